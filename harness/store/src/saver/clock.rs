//! The saver's clock: the system's, or one that a test moves by hand.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Time since the saver began.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System(Instant),
    Moved(watch::Receiver<Duration>),
}

/// What moves a clock.
#[derive(Debug)]
pub struct Hands(watch::Sender<Duration>);

impl Clock {
    /// The system's.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System(Instant::now()))
    }

    /// One that stands until it is moved.
    #[must_use]
    pub fn moved_by_hand() -> (Self, Hands) {
        let (hands, clock) = watch::channel(Duration::ZERO);
        (Self(Kind::Moved(clock)), Hands(hands))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &self.0 {
            Kind::System(began) => began.elapsed(),
            Kind::Moved(now) => *now.borrow(),
        }
    }

    /// Waits until then.
    pub async fn until(&self, then: Duration) {
        match &self.0 {
            Kind::System(_) => tokio::time::sleep(then.saturating_sub(self.now())).await,
            Kind::Moved(now) => {
                // Whoever held the hands is gone: time stands still.
                if now.clone().wait_for(|now| *now >= then).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

impl Hands {
    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }
}
