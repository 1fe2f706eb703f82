//! What goes over the wire: frames of a length, an exchange's number, a kind and its payload.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// The most that one frame carries.
pub(crate) const FRAME_MOST: usize = 64 << 10;
/// The longest head of a request or a response.
const HEAD_MOST: usize = 1 << 20;

/// A request before its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHead {
    /// Such as `GET`.
    pub method: String,
    /// `http:` or `https:`.
    pub url: String,
    /// In this order, `content-length` among them when it is known.
    pub headers: Vec<(String, String)>,
    /// Whether a body follows.
    pub body: bool,
}

/// A response before its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHead {
    /// HTTP status.
    pub status: u16,
    /// The text beside it.
    pub reason: String,
    /// As they came; bytes beyond ASCII are Latin-1.
    pub headers: Vec<(String, String)>,
}

/// Why there is no response, or no more of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// As Node names it: `ECONNREFUSED`, `ENOTFOUND`, `ERR_ACCESS_DENIED` and others.
    pub code: String,
    /// In words, without addresses that the guest did not name.
    pub message: String,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To the broker: a [`RequestHead`]. To the guest: a [`ResponseHead`].
    Head = 0,
    /// Bytes of a body.
    Data = 1,
    /// The body's end.
    End = 2,
    /// To the broker: nobody wants the rest. To the guest: a [`Failure`].
    Failed = 3,
    /// To the broker: how many bytes of the response the guest took, as four bytes.
    Taken = 4,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Head,
            1 => Self::Data,
            2 => Self::End,
            3 => Self::Failed,
            4 => Self::Taken,
            _ => return None,
        })
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(id: u32, kind: Kind, payload: Vec<u8>) -> Self {
        Self { id, kind, payload }
    }

    /// A frame whose payload is JSON.
    pub(crate) fn json(id: u32, kind: Kind, value: &impl Serialize) -> io::Result<Self> {
        let payload = serde_json::to_vec(value).map_err(io::Error::other)?;
        Ok(Self::new(id, kind, payload))
    }

    pub(crate) fn write(&self, wire: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.payload.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(9 + self.payload.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.payload);
        wire.write_all(&bytes)
    }

    /// The next frame; an end between two frames is `None`.
    pub(crate) fn read(wire: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; 9];
        let mut filled = 0;
        while filled < head.len() {
            match wire.read(&mut head[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let [a, b, c, d, e, f, g, h, kind] = head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let kind = Kind::of(kind).ok_or_else(|| io::Error::other("a frame of no known kind"))?;
        let most = if kind == Kind::Data {
            FRAME_MOST
        } else {
            HEAD_MOST
        };
        if length > most {
            return Err(io::Error::other(format!(
                "a frame of {length} bytes is longer than {most}"
            )));
        }
        let mut payload = vec![0; length];
        wire.read_exact(&mut payload)?;
        Ok(Some(Self::new(
            u32::from_le_bytes([e, f, g, h]),
            kind,
            payload,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went() {
        let mut wire = Vec::new();
        let frames = [
            Frame::new(7, Kind::Data, b"abc".to_vec()),
            Frame::new(8, Kind::End, Vec::new()),
        ];
        for frame in &frames {
            frame.write(&mut wire).unwrap();
        }
        let mut wire = wire.as_slice();
        for frame in frames {
            assert_eq!(Frame::read(&mut wire).unwrap(), Some(frame));
        }
        assert_eq!(Frame::read(&mut wire).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(Frame::read(&mut &[1, 0][..]).is_err());
        assert!(Frame::read(&mut &[0, 0, 0, 0, 1, 0, 0, 0, 9][..]).is_err());
        assert!(Frame::read(&mut &[255, 255, 255, 255, 1, 0, 0, 0, 1][..]).is_err());
        assert!(Frame::read(&mut &[4, 0, 0, 0, 1, 0, 0, 0, 1, 65][..]).is_err());
    }
}
