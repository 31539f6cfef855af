// SPDX-License-Identifier: Apache-2.0

//! How fast a subscriber may be sent messages.

use std::time::Duration;

use tokio::time::{self, Instant};

/// A bucket of one token: after a quiet time one message goes at once, the next an interval later
/// (SUB-02). The turns are planned, so that a timer that fires late does not lower the rate (SUB-15).
pub struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    pub fn new(rate_hz: u32) -> Self {
        Self { interval: Duration::from_secs(1) / rate_hz, next: Instant::now() }
    }

    /// Waits until the next message may go.
    pub async fn turn(&mut self) {
        let now = Instant::now();
        let turn = self.next.max(now);
        self.next = turn + self.interval;
        if turn > now {
            time::sleep_until(turn).await;
        }
    }
}
