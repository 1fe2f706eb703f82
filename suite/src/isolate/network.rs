//! The broker beside a confined process: started before the walls stand, told what is granted, and the only one with sockets.

use std::io;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_isolate::Network;
use adamant_network::Grants;

/// What guests may reach.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct NetworkArgs {
    /// Let guests reach this host: `HOST[:PORT]`, `*.DOMAIN[:PORT]`, `private:HOST[:PORT]`; may be given several times.
    #[arg(long = "grant", value_name = "HOST")]
    grants: Vec<String>,
}

impl NetworkArgs {
    /// What was typed.
    pub(crate) fn grants(&self) -> &[String] {
        &self.grants
    }

    /// What it grants.
    pub(crate) fn parsed(&self) -> Result<Grants, Failure> {
        Grants::parse(&self.grants).map_err(|error| Failure::input(error.to_string()))
    }

    /// Starts the broker where anything is granted: the wire to it, for after the walls, which no socket may stand in.
    pub(crate) fn start(&self) -> Result<Option<Wire>, Failure> {
        if self.parsed()?.is_empty() {
            return Ok(None);
        }
        broker(&self.grants).map_err(Failure::broken)
    }
}

/// Starts a broker to whom this is granted.
pub(crate) fn broker(grants: &[String]) -> io::Result<Option<Wire>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("broker").args(granting(grants));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // It ends when its standard input does, with whoever started it.
    let mut broker = command.env_clear().spawn()?;
    Ok(broker.stdout.take().zip(broker.stdin.take()))
}

/// The arguments that grant the same again.
pub(crate) fn granting(grants: &[String]) -> impl Iterator<Item = &str> {
    grants.iter().flat_map(|grant| ["--grant", grant])
}

/// What the broker says, and what is said to it.
pub(crate) type Wire = (ChildStdout, ChildStdin);

/// A wire for guests, read by a thread inside of the walls.
pub(crate) fn connect(wire: Option<Wire>) -> Result<Option<Network>, Failure> {
    let over = |(heard, said): Wire| Network::over(heard.into(), said.into());
    wire.map(over).transpose().map_err(Failure::broken)
}

/// The verb `broker`: asks for whoever is at the other ends of standard input and output.
pub(crate) fn serve(args: &NetworkArgs) -> Done {
    let grants = args.parsed()?;
    adamant_network::serve(io::stdin(), io::stdout(), grants).map_err(Failure::broken)?;
    Ok(exit::HELD)
}
