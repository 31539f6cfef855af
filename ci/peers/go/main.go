// SPDX-License-Identifier: Apache-2.0

// A plain chat.v1 server on grpc-go: the `core` rules of proto/CONTRACT.md, health and reflection.
//
// One hub maps rooms to subscribers. A subscriber owns a bounded channel, so that publishing never
// waits for anybody, and its handler paces what it takes from that channel. The comments name the
// rule that a piece of code keeps.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"sluice.invalid/peer/chatv1"
)

const (
	bufferSize    = 100 // messages held for one subscriber; the newest is dropped when full
	defaultRateHz = 10
	pingInterval  = 10 * time.Second
	stopGrace     = 5 * time.Second // how long open streams may live on after SIGTERM
)

// A subscriber is one SubscribeToRoom call.
type subscriber struct {
	queue chan *chatv1.ChatMessage
}

// hub holds who listens to which room. A room exists while it has subscribers.
type hub struct {
	mu    sync.Mutex
	rooms map[string]map[*subscriber]struct{}
}

func newHub() *hub {
	return &hub{rooms: make(map[string]map[*subscriber]struct{})}
}

func (h *hub) join(room string) *subscriber {
	s := &subscriber{queue: make(chan *chatv1.ChatMessage, bufferSize)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[room] == nil {
		h.rooms[room] = make(map[*subscriber]struct{})
	}
	h.rooms[room][s] = struct{}{}
	return s
}

func (h *hub) leave(room string, s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.rooms[room], s)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
}

// publish offers m to every subscriber of its room. It never blocks (SEND-06), and it holds the
// lock, so that every subscriber sees the same order (SUB-01).
func (h *hub) publish(m *chatv1.ChatMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.rooms[m.GetRoomId()] {
		select {
		case s.queue <- m:
		default: // full: the newest is dropped (SUB-05)
		}
	}
}

type chatServer struct {
	chatv1.UnimplementedChatServiceServer
	hub *hub
}

func (c *chatServer) SendMessage(_ context.Context, m *chatv1.ChatMessage) (*chatv1.ActionResponse, error) {
	reply := &chatv1.ActionResponse{RequestId: rand.Text()}
	if m.GetRoomId() == "" || m.GetText() == "" {
		reply.Reason = "missing room or text"
		return reply, nil
	}
	c.hub.publish(m)
	reply.Accepted = true
	return reply, nil
}

func (c *chatServer) SubscribeToRoom(sub *chatv1.RoomSubscription, stream grpc.ServerStreamingServer[chatv1.ChatMessage]) error {
	s := c.hub.join(sub.GetRoomId())
	defer c.hub.leave(sub.GetRoomId(), s)

	// A bucket of one token: after a quiet time one message goes at once, the next an interval
	// later (SUB-02). The message is taken first, so no token is spent while the room is quiet.
	limiter := rate.NewLimiter(rate.Limit(rateOf(sub)), 1)
	for {
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case m := <-s.queue:
			if err := pause(stream.Context(), limiter.Reserve().Delay()); err != nil {
				return err
			}
			if err := stream.Send(m); err != nil {
				return err
			}
		}
	}
}

func rateOf(sub *chatv1.RoomSubscription) int32 {
	if hz := sub.GetMaxRateHz(); hz > 0 {
		return hz
	}
	return defaultRateHz
}

// pause waits for d or for the end of the call. Limiter.Wait is not used, because it gives up
// before the call's deadline when the deadline would come first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// ChatRoom writes from this goroutine only. The channel to it is unbuffered: while an acknowledgement
// cannot be written nothing more is read, and the client runs out of credit (CHAT-05).
func (c *chatServer) ChatRoom(stream grpc.BidiStreamingServer[chatv1.ChatMessage, chatv1.ServerCommand]) error {
	messages := make(chan *chatv1.ChatMessage)
	ended := make(chan error, 1)
	go func() { ended <- receive(stream, messages) }()

	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		command := &chatv1.ServerCommand{}
		select {
		case m := <-messages:
			command.Type = chatv1.ServerCommand_TYPE_REDIRECT
			command.Payload = "ack:" + m.GetMessageId()
		case <-ping.C:
			command.Type = chatv1.ServerCommand_TYPE_PING
			command.Payload = "ping"
		case err := <-ended:
			return err
		}
		if err := stream.Send(command); err != nil {
			return err
		}
	}
}

// receive hands on each message of the stream; nil means that the client has half-closed.
func receive(stream grpc.BidiStreamingServer[chatv1.ChatMessage, chatv1.ServerCommand], to chan<- *chatv1.ChatMessage) error {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case to <- m:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// serve runs until SIGTERM or SIGINT, then stops gracefully: new calls are refused at once, open
// ones are cut off when the grace is over.
func serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	chatv1.RegisterChatServiceServer(server, &chatServer{hub: newHub()})
	healthServer := health.NewServer()
	healthServer.SetServingStatus(chatv1.ChatService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, healthServer)
	reflection.Register(server)

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-stop.Done()
		healthServer.Shutdown()
		cutOff := time.AfterFunc(stopGrace, server.Stop)
		defer cutOff.Stop()
		server.GracefulStop()
	}()

	fmt.Printf("listening on %s\n", listener.Addr())
	err = server.Serve(listener)
	cancel()
	<-stopped
	return err
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port to listen on; port 0 takes a free one")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(*listen); err != nil {
		log.Fatal(err)
	}
}
