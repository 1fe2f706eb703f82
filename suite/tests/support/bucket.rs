//! A real S3 server for a test: a companion container where Docker is asked for, in this process elsewhere.

use std::any::Any;
use std::process::Command;
use std::time::{Duration, SystemTime};

use adamant::judge;
use adamant_core::engine::{ImageSource, Owner};
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::docker::{Docker, Service};

use crate::images::root;

/// The port that the image serves.
const PORT: u16 = 9000;
/// To load the image, at worst, and to start it.
const PATIENCE: Duration = Duration::from_secs(120);

/// It lives as long as this.
pub(crate) struct Bucket {
    /// `HOST:PORT` as this host reaches it.
    pub(crate) address: String,
    _server: Box<dyn Any>,
}

impl Bucket {
    pub(crate) fn on(engines: &[&str]) -> Result<Self, String> {
        if engines.contains(&"docker") {
            let service = beside()?;
            return Ok(Self {
                address: service.address().to_string(),
                _server: Box::new(service),
            });
        }
        let server = fixture_s3::Server::start().map_err(|error| error.to_string())?;
        Ok(Self {
            address: format!("127.0.0.1:{}", server.port),
            _server: Box::new(server),
        })
    }

    /// Tells a command to keep its snapshots here.
    pub(crate) fn configure(&self, command: &mut Command) {
        command
            .env("SANDBOX_SNAPSHOTS_BUCKET", fixture_s3::BUCKET)
            .env(
                "SANDBOX_SNAPSHOTS_ENDPOINT",
                format!("http://{}", self.address),
            )
            .env("SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE", "true")
            .env("AWS_ACCESS_KEY_ID", fixture_s3::ID)
            .env("AWS_SECRET_ACCESS_KEY", fixture_s3::SECRET);
    }
}

/// In a container of its own.
fn beside() -> Result<Service, String> {
    let image = ImageSource::Layout {
        dir: root().join("fixtures/images/s3/image"),
        tag: None,
    };
    let owner = Owner {
        run: judge::run_id(),
        purpose: "an S3 server for a test".to_owned(),
        deadline: SystemTime::now() + PATIENCE * 5,
    };
    let deadline = Deadline::after(PATIENCE, &Cancel::default());
    Service::start(&Docker::new(), &image, PORT, &owner, &deadline)
        .map_err(|error| adamant_core::report::text::error(&error, error.get_hint()))
}
