// SPDX-License-Identifier: Apache-2.0

// The traffic of ../README.md with grpc-go.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

type raw struct{}

func (raw) Marshal(v any) ([]byte, error)   { return *(v.(*[]byte)), nil }
func (raw) Unmarshal(b []byte, v any) error { *(v.(*[]byte)) = append([]byte{}, b...); return nil }
func (raw) Name() string                    { return "proto" }

type record struct {
	Who      string              `json:"who"`
	Id       int                 `json:"id"`
	Method   string              `json:"method"`
	Sent     []string            `json:"sent"`
	Received []string            `json:"received"`
	Metadata map[string][]string `json:"metadata"`
	Head     map[string][]string `json:"head"`
	Trail    map[string][]string `json:"trail"`
	Code     *int                `json:"code"`
	Text     string              `json:"text"`
	Details  *string             `json:"details"`
}

var lock sync.Mutex
var logPath string

func (r *record) write() {
	line, _ := json.Marshal(r)
	lock.Lock()
	defer lock.Unlock()
	f, err := os.OpenFile(logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(err)
	f.Write(append(line, '\n'))
	f.Close()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func digest(b []byte) string { return fmt.Sprintf("%d:%x", len(b), sha256.Sum256(b))[:len(strconv.Itoa(len(b)))+17] }

func table(md metadata.MD, prefix string) map[string][]string {
	out := map[string][]string{}
	for k, values := range md {
		if !strings.HasPrefix(k, prefix) || k == "grpc-status-details-bin" {
			continue
		}
		for _, v := range values {
			if strings.HasSuffix(k, "-bin") {
				v = base64.StdEncoding.EncodeToString([]byte(v))
			}
			out[k] = append(out[k], v)
		}
	}
	return out
}

func only(md metadata.MD, prefix string) metadata.MD {
	out := metadata.MD{}
	for k, v := range md {
		if strings.HasPrefix(k, prefix) {
			out[k] = v
		}
	}
	return out
}

func ask(md metadata.MD, key string) string { return strings.Join(md[key], "") }

func begin(ctx context.Context, method string) (metadata.MD, *record) {
	md, _ := metadata.FromIncomingContext(ctx)
	id, _ := strconv.Atoi(ask(md, "x-id"))
	return md, &record{Who: "server", Id: id, Method: method, Sent: []string{}, Received: []string{}, Metadata: table(md, ""),
		Head: table(md, "x-head-"), Trail: table(md, "x-trail-")}
}

func (r *record) end(md metadata.MD) error {
	code, _ := strconv.Atoi(ask(md, "x-code"))
	r.Code = &code
	if details := ask(md, "x-details-bin"); details != "" {
		var s spb.Status
		check(proto.Unmarshal([]byte(details), &s))
		return status.FromProto(&s).Err()
	}
	if code == 0 {
		return nil
	}
	return status.Error(codes.Code(code), ask(md, "x-text-bin"))
}

func copyOf(b []byte, n int) []byte { return append(append([]byte{}, b...), 0x10, byte(n)) }

func unary(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var in []byte
	if err := dec(&in); err != nil {
		return nil, err
	}
	md, r := begin(ctx, "/traffic.v1.Traffic/Unary")
	defer r.write()
	r.Received = append(r.Received, digest(in))
	if ask(md, "x-early") != "" {
		check(grpc.SendHeader(ctx, only(md, "x-head-")))
	} else if ask(md, "x-code") == "" {
		check(grpc.SetHeader(ctx, only(md, "x-head-")))
	}
	if ask(md, "x-wait") != "" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	check(grpc.SetTrailer(ctx, only(md, "x-trail-")))
	if err := r.end(md); err != nil {
		return nil, err
	}
	out := copyOf(in, 1)
	r.Sent = append(r.Sent, digest(out))
	return &out, nil
}

func stream(_ any, s grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(s)
	md, r := begin(s.Context(), method)
	defer r.write()
	early := ask(md, "x-early") != ""
	hasHeaders := false
	open := func() {
		if !hasHeaders {
			hasHeaders = true
			check(s.SetHeader(only(md, "x-head-")))
		}
	}
	if early {
		hasHeaders = true
		check(s.SendHeader(only(md, "x-head-")))
	}
	send := func(in []byte, n int) {
		open()
		out := copyOf(in, n)
		if s.SendMsg(&out) == nil {
			r.Sent = append(r.Sent, digest(out))
		}
	}
	how, count, _ := strings.Cut(ask(md, "x-answer"), ":")
	last, cancelled := []byte{}, false
	for {
		var in []byte
		err := s.RecvMsg(&in)
		if err != nil {
			cancelled = err != io.EOF
			break
		}
		last = in
		r.Received = append(r.Received, digest(in))
		if how == "each" {
			send(in, 1)
		} else if how == "now" {
			break
		}
	}
	copies, _ := strconv.Atoi(count)
	for n := 1; n <= copies; n++ {
		send(last, n)
	}
	if cancelled || ask(md, "x-wait") != "" {
		<-s.Context().Done()
		return s.Context().Err()
	}
	s.SetTrailer(only(md, "x-trail-"))
	return r.end(md)
}

func keylog(args []string, at int) io.Writer {
	if len(args) <= at {
		return nil
	}
	f, err := os.OpenFile(args[at], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	return f
}

func serve(args []string) {
	logPath = args[0]
	options := []grpc.ServerOption{grpc.ForceServerCodec(raw{}), grpc.MaxRecvMsgSize(1 << 26)}
	if len(args) > 2 {
		pair, err := tls.LoadX509KeyPair(args[1], args[2])
		check(err)
		options = append(options, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, KeyLogWriter: keylog(args, 3)})))
	}
	server := grpc.NewServer(options...)
	desc := grpc.ServiceDesc{ServiceName: "traffic.v1.Traffic", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: unary}}}
	for _, name := range []string{"Watch", "Collect", "Talk"} {
		desc.Streams = append(desc.Streams, grpc.StreamDesc{StreamName: name, Handler: stream, ServerStreams: true, ClientStreams: true})
	}
	server.RegisterService(&desc, struct{}{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	check(server.Serve(listener))
}

type plan struct {
	Id          int
	Group       int
	Channel     int
	Method      string
	Metadata    [][2]string
	Send        [][]byte
	TimeoutMs   int `json:"timeout_ms"`
	CancelAfter int `json:"cancel_after"`
	Gzip        bool
	Hold        bool
}

func call(conn *grpc.ClientConn, p plan) {
	md := metadata.MD{}
	for _, field := range p.Metadata {
		value := field[1]
		if strings.HasSuffix(field[0], "-bin") {
			b, err := base64.StdEncoding.DecodeString(value)
			check(err)
			value = string(b)
		}
		md.Append(field[0], value)
	}
	r := &record{Who: "client", Id: p.Id, Method: p.Method, Sent: []string{}, Received: []string{}, Metadata: table(md, "")}
	defer r.write()
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(context.Background(), md), time.Duration(p.TimeoutMs)*time.Millisecond)
	defer cancel()
	var options []grpc.CallOption
	if p.Gzip {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	var head, trail metadata.MD
	var err error
	if strings.HasSuffix(p.Method, "/Unary") {
		var out []byte
		r.Sent = append(r.Sent, digest(p.Send[0]))
		if p.CancelAfter == 0 {
			// SendMsg of a stream, so that the cancel comes behind the request on the wire.
			s, e := conn.NewStream(ctx, &grpc.StreamDesc{}, p.Method, options...)
			check(e)
			check(s.SendMsg(&p.Send[0]))
			check(s.CloseSend())
			_, e = s.Header()
			check(e)
			cancel()
			err = s.RecvMsg(&out)
		} else {
			err = conn.Invoke(ctx, p.Method, &p.Send[0], &out, append(options, grpc.Header(&head), grpc.Trailer(&trail))...)
		}
		if err == nil {
			r.Received = append(r.Received, digest(out))
		}
	} else {
		s, e := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, p.Method, options...)
		check(e)
		go func() {
			for i := range p.Send {
				_ = s.SendMsg(&p.Send[i])
			}
			if !p.Hold {
				_ = s.CloseSend()
			}
		}()
		for i := range p.Send {
			r.Sent = append(r.Sent, digest(p.Send[i]))
		}
		for {
			var out []byte
			if err = s.RecvMsg(&out); err != nil {
				break
			}
			r.Received = append(r.Received, digest(out))
			if len(r.Received) == p.CancelAfter {
				cancel()
			}
		}
		if err == io.EOF {
			err = nil
		}
		if p.CancelAfter < 0 {
			head, _ = s.Header()
			trail = s.Trailer()
		}
	}
	st := status.Convert(err)
	code := int(st.Code())
	r.Code, r.Text, r.Head, r.Trail = &code, st.Message(), table(head, ""), table(trail, "")
	if values := trail["grpc-status-details-bin"]; len(values) > 0 {
		details := base64.StdEncoding.EncodeToString([]byte(values[0]))
		r.Details = &details
	}
}

func run(args []string) {
	port, planPath := args[0], args[1]
	logPath = args[2]
	file, err := os.Open(planPath)
	check(err)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<26)
	var plans []plan
	channels, groups := 0, 0
	for lines.Scan() {
		var p plan
		check(json.Unmarshal(lines.Bytes(), &p))
		plans = append(plans, p)
		channels, groups = max(channels, p.Channel+1), max(groups, p.Group+1)
	}
	creds, target := insecure.NewCredentials(), "127.0.0.1:"+port
	if len(args) > 3 {
		pem, err := os.ReadFile(args[3])
		check(err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		creds, target = credentials.NewTLS(&tls.Config{RootCAs: pool, KeyLogWriter: keylog(args, 4)}), "localhost:"+port
	}
	var conns []*grpc.ClientConn
	for i := 0; i < channels; i++ {
		conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(creds),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(1<<26)))
		check(err)
		conns = append(conns, conn)
	}
	for group := 0; group < groups; group++ {
		var all sync.WaitGroup
		for _, p := range plans {
			if p.Group == group {
				all.Add(1)
				go func() {
					defer all.Done()
					call(conns[p.Channel], p)
				}()
			}
		}
		all.Wait()
	}
	for _, conn := range conns {
		conn.Close()
	}
}

func main() {
	map[string]func([]string){"server": serve, "client": run}[os.Args[1]](os.Args[2:])
}
