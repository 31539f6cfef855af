// SPDX-License-Identifier: Apache-2.0

// client HOST:PORT: uses every RPC of chat.v1 as a user of grpc-go would; exits with 1 and says what differs.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"

	// So that the details of an error are known.
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"sluice.invalid/peer/chatv1"
)

const (
	messages = 20
	// Longer than anything takes on a slow machine.
	wait = 10 * time.Second
)

// A new one, since a message is not delivered twice (SEND-09).
var room = "go-" + rand.Text()

func message(room string, number int) *chatv1.ChatMessage {
	return &chatv1.ChatMessage{MessageId: fmt.Sprint("m", number), RoomId: room, UserId: "go", Text: fmt.Sprint("text ", number)}
}

func checkHealth(ctx context.Context, conn *grpc.ClientConn) error {
	reply, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	if reply.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("health: %v", reply.Status)
	}
	return nil
}

func checkStreaming(ctx context.Context, chat chatv1.ChatServiceClient) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := chat.SubscribeToRoom(ctx, &chatv1.RoomSubscription{RoomId: room, MaxRateHz: 1000})
	if err != nil {
		return err
	}
	// SUB-10: from the headers on nothing is missed.
	if _, err = stream.Header(); err != nil {
		return err
	}
	for number := range messages {
		id := fmt.Sprint("r", number)
		reply, err := chat.SendMessage(metadata.AppendToOutgoingContext(ctx, "x-request-id", id), message(room, number))
		if err != nil {
			return err
		}
		if !reply.Accepted || reply.RequestId != id {
			return fmt.Errorf("reply %v to request %s", reply, id)
		}
	}
	for number := range messages {
		got, err := stream.Recv()
		if err != nil {
			return err
		}
		if got.Text != fmt.Sprint("text ", number) {
			return fmt.Errorf("delivered %q as number %d", got.Text, number)
		}
	}
	cancel()
	if _, err = stream.Recv(); status.Code(err) != codes.Canceled {
		return fmt.Errorf("a cancelled call: %v", err)
	}
	return nil
}

func checkChat(ctx context.Context, chat chatv1.ChatServiceClient) error {
	stream, err := chat.ChatRoom(ctx)
	if err != nil {
		return err
	}
	for number := range messages {
		if err = stream.Send(message(room+"-chat", number)); err != nil {
			return err
		}
		got, err := stream.Recv()
		if err != nil {
			return err
		}
		if got.Payload != fmt.Sprint("ack:m", number) {
			return fmt.Errorf("ack %q of message %d", got.Payload, number)
		}
	}
	if err = stream.CloseSend(); err != nil {
		return err
	}
	if _, err = stream.Recv(); err != io.EOF {
		return fmt.Errorf("after the half-close: %v", err)
	}
	return nil
}

// endOf is how a subscription ends that gets no message.
func endOf(ctx context.Context, chat chatv1.ChatServiceClient, room string) error {
	stream, err := chat.SubscribeToRoom(ctx, &chatv1.RoomSubscription{RoomId: room})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

func checkErrors(ctx context.Context, chat chatv1.ChatServiceClient) error {
	reply, err := chat.SendMessage(ctx, &chatv1.ChatMessage{Text: "no room"})
	if err != nil || reply.Accepted {
		return fmt.Errorf("without a room: %v, %v", reply, err)
	}
	err = endOf(ctx, chat, "")
	if status.Code(err) != codes.InvalidArgument || len(status.Convert(err).Details()) != 1 {
		return fmt.Errorf("a subscription without a room: %v, details %v", err, status.Convert(err).Details())
	}
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if err = endOf(ctx, chat, room); status.Code(err) != codes.DeadlineExceeded {
		return fmt.Errorf("past the deadline: %v", err)
	}
	return nil
}

func run(address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if err = checkHealth(ctx, conn); err != nil {
		return err
	}
	chat := chatv1.NewChatServiceClient(conn)
	for _, check := range []func(context.Context, chatv1.ChatServiceClient) error{checkStreaming, checkChat, checkErrors} {
		if err = check(ctx, chat); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
