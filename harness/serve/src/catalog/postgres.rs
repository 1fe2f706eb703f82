//! A catalog in a `PostgreSQL` server: one connection, made anew when it broke.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, IsolationLevel, NoTls};

use super::tables::{ENVIRONMENT, SCHEMA, VERSION, Version};
use super::{CatalogError, Function};

/// How long the server may take for all that one function needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server.
#[derive(Debug)]
pub struct Postgres {
    config: Config,
    runtime: Handle,
    client: Mutex<Option<Client>>,
    name: String,
    /// Where packages that are paths begin.
    base: PathBuf,
}

impl Postgres {
    /// Connects; a database without our tables gets them.
    ///
    /// # Errors
    /// When the URL is none, or the server does not answer.
    pub fn open(url: &str, base: &Path, runtime: Handle) -> Result<Self, CatalogError> {
        let config: Config = url
            .parse()
            .map_err(|source: tokio_postgres::Error| CatalogError::Url(source.into()))?;
        // The password is nobody's business.
        let name = format!(
            "postgres database `{}`",
            config.get_dbname().unwrap_or("postgres")
        );
        let server = Self {
            config,
            runtime,
            client: Mutex::default(),
            name,
            base: base.to_owned(),
        };
        server.runtime.block_on(server.within(server.prepare()))?;
        Ok(server)
    }

    pub(super) fn function(&self, id: &str) -> Result<Option<Function>, CatalogError> {
        let found = self.runtime.block_on(self.within(self.read(id)))?;
        found
            .map(|(version, env)| version.function(id, &self.base, env.into_iter().collect()))
            .transpose()
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, CatalogError> {
        let failed = |source| CatalogError::Database {
            name: self.name.clone(),
            source,
        };
        match timeout(PATIENCE, work).await {
            Ok(done) => done.map_err(|error| failed(error.into())),
            Err(elapsed) => Err(failed(elapsed.into())),
        }
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(NoTls).await?;
        // It ends with the client; that it broke shows in the next question.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(client)
    }

    async fn prepare(&self) -> Result<(), tokio_postgres::Error> {
        let client = self.connect().await?;
        let row = client
            .query_one("SELECT to_regclass('functions') IS NOT NULL", &[])
            .await?;
        // Who only may read needs no right to make tables that are there.
        if !row.get::<_, bool>(0) {
            client.batch_execute(SCHEMA).await?;
        }
        *self.client.lock().await = Some(client);
        Ok(())
    }

    async fn read(
        &self,
        id: &str,
    ) -> Result<Option<(Version, Vec<(String, String)>)>, tokio_postgres::Error> {
        let mut place = self.client.lock().await;
        if let Some(mut client) = place.take().filter(|client| !client.is_closed()) {
            let found = Self::ask(&mut client, id).await;
            // A connection that was cut while it rested tells nothing about the server.
            if found.is_ok() || !client.is_closed() {
                *place = Some(client);
                return found;
            }
        }
        let mut client = self.connect().await?;
        let found = Self::ask(&mut client, id).await?;
        *place = Some(client);
        Ok(found)
    }

    async fn ask(
        client: &mut Client,
        id: &str,
    ) -> Result<Option<(Version, Vec<(String, String)>)>, tokio_postgres::Error> {
        // One moment of the database: a version with the environment of that version.
        let moment = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let Some(row) = moment.query_opt(VERSION, &[&id]).await? else {
            return Ok(None);
        };
        let version = Version {
            package: row.try_get(0)?,
            hash: row.try_get(1)?,
            entry: row.try_get(2)?,
            timeout_ms: row.try_get(3)?,
        };
        let rows = moment.query(ENVIRONMENT, &[&id]).await?;
        let pair = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        let env = rows.iter().map(pair).collect::<Result<_, _>>()?;
        moment.commit().await?;
        Ok(Some((version, env)))
    }
}
