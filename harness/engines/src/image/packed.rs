//! Undoes gzip and zstd, as much as is honest: what grows out of all proportion is refused.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::ImageError;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Up to this size anything may unpack to anything.
const FREE_BYTES: u64 = 256 * 1024 * 1024;
/// Beyond it, to so many times its size: real layers reach 20, deflate's end is at 1032, zstd has none.
const RATIO: u64 = 400;

/// Whether these first bytes are those of a compression that is read.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(&GZIP) || head.starts_with(&ZSTD)
}

/// Whether these first bytes are those of zstd.
pub(crate) fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&ZSTD)
}

/// Undoes the compression, if there is one.
pub(crate) fn plain<'r>(
    name: &str,
    reader: impl Read + 'r,
) -> Result<Box<dyn Read + 'r>, ImageError> {
    let mut reader = Counted { reader, bytes: 0 };
    let mut magic = Vec::with_capacity(4);
    reader
        .by_ref()
        .take(4)
        .read_to_end(&mut magic)
        .map_err(ImageError::read(name))?;
    let (gzip, zstd) = (magic.starts_with(&GZIP), magic == ZSTD);
    let whole = Cursor::new(magic).chain(reader);
    Ok(if gzip {
        let inner = MultiGzDecoder::new(whole);
        Box::new(Bounded {
            packed: |gzip: &MultiGzDecoder<_>| counted(gzip.get_ref()),
            inner,
            bytes: 0,
        })
    } else if zstd {
        let inner = Frames {
            source: whole,
            decoder: FrameDecoder::new(),
            within: false,
        };
        Box::new(Bounded {
            packed: |frames: &Frames<_>| counted(&frames.source),
            inner,
            bytes: 0,
        })
    } else {
        Box::new(whole)
    })
}

fn counted<R>(whole: &io::Chain<Cursor<Vec<u8>>, Counted<R>>) -> u64 {
    whole.get_ref().1.bytes
}

/// Counts what passes.
struct Counted<R> {
    reader: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Ends with an error where more comes out than so little can honestly hold.
struct Bounded<R, F> {
    inner: R,
    packed: F,
    bytes: u64,
}

impl<R: Read, F: Fn(&R) -> u64> Read for Bounded<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        let packed = (self.packed)(&self.inner);
        if self.bytes > FREE_BYTES && self.bytes / RATIO > packed {
            let told = format!(
                "it is a decompression bomb: {packed} bytes have unpacked to more than {}",
                self.bytes
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, told));
        }
        Ok(count)
    }
}

/// A zstd stream of any number of frames; those that are to be skipped are.
struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    /// Whether the decoder is within a frame.
    within: bool,
}

impl<R: Read> Frames<R> {
    /// Begins the next frame; `false` at the end of all.
    fn begin(&mut self) -> io::Result<bool> {
        let mut first = [0; 1];
        while self.source.read(&mut first)? > 0 {
            let whole = Cursor::new(first).chain(&mut self.source);
            match self.decoder.init(whole) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.source.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within {
                if !self.begin()? {
                    return Ok(0);
                }
                self.within = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(io::Error::other)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.within = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn read(bytes: &[u8]) -> io::Result<u64> {
        let mut plain = plain("x", bytes).expect("begins");
        io::copy(&mut plain, &mut io::sink())
    }

    #[test]
    fn frames_of_zstd_follow_each_other_and_some_are_skipped() {
        let frame = ruzstd::encoding::compress_to_vec(
            b"hello".as_slice(),
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0], b"abc".as_slice()].concat();
        let all = [frame.as_slice(), &skipped, &frame].concat();
        let mut text = String::new();
        let mut plain = plain("x", all.as_slice()).expect("begins");
        plain.read_to_string(&mut text).expect("reads");
        assert_eq!(text, "hellohello");
        assert!(read(&all[..all.len() - 2]).is_err());
    }

    #[test]
    fn a_bomb_ends_the_reading_and_an_honest_file_of_zeros_does_not() {
        let zeros = |bytes: u64| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::best());
            io::copy(&mut io::repeat(0).take(bytes), &mut packed).expect("compresses");
            packed.finish().expect("compresses")
        };
        assert_eq!(read(&zeros(16 << 20)).expect("reads"), 16 << 20);
        let bomb = zeros(FREE_BYTES + (64 << 20));
        let error = read(&bomb).expect_err("refused");
        assert!(error.to_string().contains("bomb"), "{error} {}", bomb.len());
    }
}
