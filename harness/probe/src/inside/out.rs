//! Writes the lines of an answer, each of them at once, so that the engine sees a change when it happens.

use std::io::Write;

use adamant_probe::Reply;

use super::ProbeError;

/// Where an answer goes.
pub(crate) struct Out<'w> {
    writer: &'w mut dyn Write,
}

impl<'w> Out<'w> {
    /// An answer that goes to `writer`.
    pub(crate) fn new(writer: &'w mut dyn Write) -> Self {
        Self { writer }
    }

    /// Writes and flushes one line.
    pub(crate) fn say(&mut self, reply: &Reply) -> Result<(), ProbeError> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.writer
            .write_all(&line)
            .and_then(|()| self.writer.flush())
            .map_err(ProbeError::Say)
    }
}

#[cfg(test)]
impl Out<'_> {
    /// The replies that `ask` says.
    pub(crate) fn collect(
        ask: impl FnOnce(&mut Out<'_>) -> Result<(), ProbeError>,
    ) -> Result<Vec<Reply>, ProbeError> {
        let mut lines = Vec::new();
        ask(&mut Out::new(&mut lines))?;
        Ok(serde_json::Deserializer::from_slice(&lines)
            .into_iter()
            .collect::<Result<_, _>>()?)
    }
}
