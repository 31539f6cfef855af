// SPDX-License-Identifier: Apache-2.0

// main HOST:PORT ROUNDS: the calls of bench/midway with grpc-go.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *(v.(*[]byte)), nil }
func (raw) Unmarshal(b []byte, v any) error    { *(v.(*[]byte)) = append([]byte(nil), b...); return nil }
func (raw) Name() string                       { return "proto" }
func field(n byte, b string) string            { return string([]byte{n<<3 | 2, byte(len(b))}) + b }
func msg(room string, i int) []byte {
	return []byte(field(2, room) + field(3, fmt.Sprintf("user-%d", i%3)) + field(4, fmt.Sprintf("hello number %d", i)))
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[2])
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		panic(err)
	}
	unary := func(path string, body []byte, i int) {
		ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(context.Background(), "x-request", fmt.Sprintf("r-%d", i)), 5*time.Second)
		defer cancel()
		var out []byte
		_ = conn.Invoke(ctx, path, &body, &out)
	}
	for i := 0; i < rounds; i++ {
		unary("/chat.v1.ChatService/SendMessage", msg("lobby", i), i)
		unary("/chat.v1.ChatService/SendMessage", msg("kitchen", i), i)
		unary("/grpc.health.v1.Health/Check", nil, i)
		unary("/grpc.health.v1.Health/Check", []byte(field(1, "nope")), i)
		if i%3 == 0 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/chat.v1.ChatService/ChatRoom")
			if err == nil {
				for j := 0; j < 2; j++ {
					b := msg("lobby", i+j)
					_ = s.SendMsg(&b)
				}
				_ = s.CloseSend()
				var out []byte
				for s.RecvMsg(&out) == nil {
				}
			}
			cancel()
		}
	}
	conn.Close()
}
