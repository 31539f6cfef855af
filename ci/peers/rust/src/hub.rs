// SPDX-License-Identifier: Apache-2.0

//! Who listens to which room. A room exists while it has subscribers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;

use crate::chatv1::ChatMessage;

/// Messages held for one subscriber; the newest is dropped when full.
const BUFFER_SIZE: usize = 100;

#[derive(Default)]
struct Rooms {
    next_id: u64,
    subscribers: HashMap<String, HashMap<u64, mpsc::Sender<ChatMessage>>>,
}

pub struct Hub {
    rooms: Mutex<Rooms>,
}

/// One SubscribeToRoom call; dropping it leaves the room.
pub struct Subscriber {
    hub: Arc<Hub>,
    room: String,
    id: u64,
    queue: mpsc::Receiver<ChatMessage>,
}

impl Hub {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { rooms: Mutex::default() })
    }

    pub fn join(self: &Arc<Self>, room: String) -> Subscriber {
        let (sender, queue) = mpsc::channel(BUFFER_SIZE);
        let mut rooms = self.lock();
        let id = rooms.next_id;
        rooms.next_id += 1;
        rooms.subscribers.entry(room.clone()).or_default().insert(id, sender);
        Subscriber { hub: self.clone(), room, id, queue }
    }

    /// Offers the message to every subscriber of its room. It never waits (SEND-06), and it holds
    /// the lock, so that every subscriber sees the same order (SUB-01).
    pub fn publish(&self, message: &ChatMessage) {
        let rooms = self.lock();
        for subscriber in rooms.subscribers.get(&message.room_id).into_iter().flat_map(HashMap::values) {
            // A full queue drops the newest (SUB-05).
            if let Ok(slot) = subscriber.try_reserve() {
                slot.send(message.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().expect("nothing panics with the lock held")
    }
}

impl Subscriber {
    /// The next message of the room; its sender lives as long as the subscriber, so there always is one to wait for.
    pub async fn next(&mut self) -> ChatMessage {
        match self.queue.recv().await {
            Some(message) => message,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let mut rooms = self.hub.lock();
        if let Some(room) = rooms.subscribers.get_mut(&self.room) {
            room.remove(&self.id);
            if room.is_empty() {
                rooms.subscribers.remove(&self.room);
            }
        }
    }
}
