// SPDX-License-Identifier: Apache-2.0

//! A plain chat.v1 server on tonic: the `core` rules of proto/CONTRACT.md, and health.
//!
//! The hub maps rooms to subscribers. A subscriber owns a bounded channel, so that publishing never
//! waits for anybody, and its response stream paces what it takes from that channel. The comments
//! name the rule that a piece of code keeps.

mod hub;
mod pace;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_stream::Stream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use chatv1::chat_service_server::{ChatService, ChatServiceServer};
use chatv1::server_command::Type;
use chatv1::{ActionResponse, ChatMessage, RoomSubscription, ServerCommand};
use hub::Hub;
use pace::Pace;

pub mod chatv1 {
    tonic::include_proto!("chat.v1");
}

const DEFAULT_RATE_HZ: u32 = 10;
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How long open streams may live on after SIGTERM.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// What a call without a deadline gets.
const FAR_FUTURE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct Chat {
    hub: Arc<Hub>,
}

#[tonic::async_trait]
impl ChatService for Chat {
    async fn send_message(&self, request: Request<ChatMessage>) -> Result<Response<ActionResponse>, Status> {
        let message = request.into_inner();
        let mut reply = ActionResponse { request_id: uuid::Uuid::new_v4().to_string(), ..Default::default() };
        if message.room_id.is_empty() || message.text.is_empty() {
            reply.reason = "missing room or text".into();
        } else {
            self.hub.publish(&message);
            reply.accepted = true;
        }
        Ok(Response::new(reply))
    }

    type SubscribeToRoomStream = ResponseStream<ChatMessage>;

    async fn subscribe_to_room(
        &self,
        request: Request<RoomSubscription>,
    ) -> Result<Response<Self::SubscribeToRoomStream>, Status> {
        let deadline = deadline_of(&request);
        let subscription = request.into_inner();
        let mut pace = Pace::new(rate_of(&subscription));
        // Dropped with the stream, whatever ends it: the client's cancel, its deadline, its connection (SUB-07).
        let mut subscriber = self.hub.join(subscription.room_id);
        let messages = async_stream::stream! {
            let expired = time::sleep_until(deadline);
            tokio::pin!(expired);
            loop {
                let message = tokio::select! {
                    message = subscriber.next() => message,
                    () = &mut expired => break,
                };
                tokio::select! {
                    () = pace.turn() => yield Ok(message),
                    () = &mut expired => break,
                }
            }
            yield Err(Status::deadline_exceeded("the call's deadline has passed"));
        };
        Ok(Response::new(Box::pin(messages)))
    }

    type ChatRoomStream = ResponseStream<ServerCommand>;

    /// The stream is polled only while what it yields can be written: while an acknowledgement
    /// waits nothing more is read, and the client runs out of credit (CHAT-05).
    async fn chat_room(
        &self,
        request: Request<Streaming<ChatMessage>>,
    ) -> Result<Response<Self::ChatRoomStream>, Status> {
        let deadline = deadline_of(&request);
        let mut messages = request.into_inner();
        let commands = async_stream::try_stream! {
            let mut ping = time::interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
            ping.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let expired = time::sleep_until(deadline);
            tokio::pin!(expired);
            loop {
                let command = tokio::select! {
                    message = messages.message() => match message {
                        Ok(Some(message)) => Ok(command(Type::Redirect, format!("ack:{}", message.message_id))),
                        Ok(None) => break, // the client has half-closed
                        Err(status) => Err(status),
                    },
                    _ = ping.tick() => Ok(command(Type::Ping, "ping".into())),
                    () = &mut expired => Err(Status::deadline_exceeded("the call's deadline has passed")),
                };
                yield command?;
            }
        };
        Ok(Response::new(Box::pin(commands)))
    }
}

fn command(kind: Type, payload: String) -> ServerCommand {
    ServerCommand { r#type: kind.into(), payload }
}

fn rate_of(subscription: &RoomSubscription) -> u32 {
    match u32::try_from(subscription.max_rate_hz) {
        Ok(hz) if hz > 0 => hz,
        _ => DEFAULT_RATE_HZ,
    }
}

/// When the call ends at the latest. tonic keeps grpc-timeout until the response begins and no longer, so a stream
/// has to keep it itself.
fn deadline_of<T>(request: &Request<T>) -> Instant {
    let timeout = request.metadata().get("grpc-timeout").and_then(|value| parse_timeout(value.to_str().ok()?));
    Instant::now() + timeout.unwrap_or(FAR_FUTURE).min(FAR_FUTURE)
}

/// "1 to 8 digits and a unit" of the gRPC protocol; anything else is no timeout.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// "--listen ADDRESS", or any free port of 127.0.0.1.
fn listen_address() -> Result<SocketAddr, String> {
    const USAGE: &str = "usage: server [--listen ADDRESS:PORT]";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(SocketAddr::from(([127, 0, 0, 1], 0))),
        ["--listen", address] => address.parse().map_err(|error| format!("{address}: {error}\n{USAGE}")),
        _ => Err(USAGE.into()),
    }
}

/// Runs until SIGTERM or SIGINT, then stops gracefully: new calls are refused at once, open ones
/// are cut off when the grace is over.
async fn serve(address: SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
    let incoming = TcpIncoming::bind(address)?.with_nodelay(Some(true));
    let bound = incoming.local_addr()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ChatServiceServer<Chat>>().await;

    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = Server::builder()
        .add_service(ChatServiceServer::new(Chat { hub: Hub::new() }))
        .add_service(health_service)
        .serve_with_incoming_shutdown(incoming, async move {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
            health.set_not_serving::<ChatServiceServer<Chat>>().await;
            let _ = stopping.send(());
        });
    println!("listening on {bound}");
    tokio::select! {
        served = server => Ok(served?),
        () = async {
            match stopped.await {
                Ok(()) => time::sleep(STOP_GRACE).await,
                Err(_) => std::future::pending().await, // the server has ended by itself
            }
        } => Ok(()),
    }
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let address = match listen_address() {
        Ok(address) => address,
        Err(text) => {
            eprintln!("{text}");
            return 2.into();
        }
    };
    match serve(address).await {
        Ok(()) => 0.into(),
        Err(error) => {
            eprintln!("{error}");
            1.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit_of_a_timeout() {
        assert_eq!(parse_timeout("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse_timeout("99999999m"), Some(Duration::from_millis(99_999_999)));
        assert_eq!(parse_timeout("1n"), Some(Duration::from_nanos(1)));
    }

    #[test]
    fn takes_no_other_text_for_a_timeout() {
        for text in ["", "S", "5", "123456789S", "-1S", "+1S", "1.5S", "1s", "1\u{b5}"] {
            assert_eq!(parse_timeout(text), None, "{text:?}");
        }
    }
}
