//! `native.crypto`: digests, keyed digests, derived keys and random bytes.

use hmac::{KeyInit as _, Mac as _, SimpleHmac};

use super::bytes::Memory;
use super::{Room, error};
use crate::memory::Ceiling;

/// `native.crypto`.
pub(crate) fn room() -> Room {
    Room::new("crypto")
        .function("digest", digest)
        .function("hmac", hmac)
        .function("pbkdf2", pbkdf2)
        .function("affords", affords)
        .function("scrypt", scrypt)
        .function("random", random)
        .function("equal", equal)
}

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a>;
type Scope<'s> = v8::HandleScope<'s>;

/// The digests, under OpenSSL's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Ripemd160,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512With224,
    Sha512With256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "md5" => Self::Md5,
            "ripemd160" => Self::Ripemd160,
            "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            "sha512-224" => Self::Sha512With224,
            "sha512-256" => Self::Sha512With256,
            _ => return None,
        })
    }
}

/// Runs a generic function with the type of an algorithm.
macro_rules! with_digest {
    ($algorithm:expr, $run:ident ( $($argument:expr),* )) => {
        match $algorithm {
            Algorithm::Md5 => $run::<md5::Md5>($($argument),*),
            Algorithm::Ripemd160 => $run::<ripemd::Ripemd160>($($argument),*),
            Algorithm::Sha1 => $run::<sha1::Sha1>($($argument),*),
            Algorithm::Sha224 => $run::<sha2::Sha224>($($argument),*),
            Algorithm::Sha256 => $run::<sha2::Sha256>($($argument),*),
            Algorithm::Sha384 => $run::<sha2::Sha384>($($argument),*),
            Algorithm::Sha512 => $run::<sha2::Sha512>($($argument),*),
            Algorithm::Sha512With224 => $run::<sha2::Sha512_224>($($argument),*),
            Algorithm::Sha512With256 => $run::<sha2::Sha512_256>($($argument),*),
        }
    };
}

fn digest_of<D: sha2::Digest>(parts: &[Memory]) -> Vec<u8> {
    let mut digest = D::new();
    for part in parts {
        digest.update(part.bytes());
    }
    digest.finalize().to_vec()
}

fn hmac_of<D: sha2::Digest + hmac::digest::block_api::BlockSizeUser>(
    key: &[u8],
    parts: &[Memory],
) -> Option<Vec<u8>> {
    let mut mac = SimpleHmac::<D>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part.bytes());
    }
    Some(mac.finalize().into_bytes().to_vec())
}

/// How many rounds a derivation goes before it looks whether its execution was stopped.
const ROUNDS: u32 = 4096;

/// PBKDF2 of RFC 8018, section 5.2; `None` when the execution was told to stop.
fn pbkdf2_of<D: sha2::Digest + hmac::digest::block_api::BlockSizeUser + Clone>(
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    output: &mut [u8],
    stopped: &dyn Fn() -> bool,
) -> Option<()> {
    let keyed = SimpleHmac::<D>::new_from_slice(password).ok()?;
    let size = <D as sha2::Digest>::output_size();
    for (number, block) in (1_u32..).zip(output.chunks_mut(size)) {
        let mut mac = keyed.clone();
        mac.update(salt);
        mac.update(&number.to_be_bytes());
        let mut round = mac.finalize().into_bytes();
        let mut sum = round.to_vec();
        for count in 1..rounds {
            if count % ROUNDS == 0 && stopped() {
                return None;
            }
            let mut mac = keyed.clone();
            mac.update(&round);
            round = mac.finalize().into_bytes();
            for (left, right) in sum.iter_mut().zip(&round) {
                *left ^= right;
            }
        }
        block.copy_from_slice(sum.get(..block.len())?);
    }
    Some(())
}

fn algorithm_at(scope: &mut Scope<'_>, args: &Args<'_>) -> Option<Algorithm> {
    Algorithm::named(&args.get(0).to_rust_string_lossy(scope))
}

/// The views of a list.
fn views(scope: &mut Scope<'_>, list: v8::Local<'_, v8::Value>) -> Option<Vec<Memory>> {
    let list: v8::Local<'_, v8::Array> = list.try_into().ok()?;
    let mut views = Vec::new();
    for index in 0..list.length() {
        let view = list.get_index(scope, index)?;
        views.push(Memory::of(view)?);
    }
    Some(views)
}

/// Gives `bytes` as an `ArrayBuffer`: small ones only, which no budget needs to count.
fn give(scope: &mut Scope<'_>, rv: &mut Return<'_>, bytes: Vec<u8>) {
    let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes).make_shared();
    rv.set(v8::ArrayBuffer::with_backing_store(scope, &store).into());
}

/// `digest(algorithm, [view, …])` → `ArrayBuffer`; `undefined` for an algorithm that is not there. Without a list: `true` for one
/// that is.
fn digest<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(algorithm) = algorithm_at(scope, &args) else {
        return;
    };
    match views(scope, args.get(1)) {
        Some(parts) => {
            let bytes = with_digest!(algorithm, digest_of(&parts));
            give(scope, &mut rv, bytes);
        }
        None => rv.set_bool(true),
    }
}

/// `hmac(algorithm, key, [view, …])` → `ArrayBuffer`.
fn hmac<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let (Some(algorithm), Some(key)) = (algorithm_at(scope, &args), Memory::of(args.get(1))) else {
        return;
    };
    let Some(parts) = views(scope, args.get(2)) else {
        return;
    };
    if let Some(bytes) = with_digest!(algorithm, hmac_of(key.bytes(), &parts)) {
        give(scope, &mut rv, bytes);
    }
}

/// `pbkdf2(algorithm, password, salt, rounds, target)` fills the view `target`.
fn pbkdf2<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let (Some(algorithm), Some(password), Some(salt), Some(mut target)) = (
        algorithm_at(scope, &args),
        Memory::of(args.get(1)),
        Memory::of(args.get(2)),
        Memory::of(args.get(4)),
    ) else {
        return;
    };
    let rounds = args.get(3).uint32_value(scope).unwrap_or(1);
    let stopped = || scope.is_execution_terminating();
    let done = with_digest!(
        algorithm,
        pbkdf2_of(
            password.bytes(),
            salt.bytes(),
            rounds,
            target.bytes_mut(),
            &stopped
        )
    );
    rv.set_bool(done.is_some());
}

/// `affords(bytes)`: whether the isolate may use so much memory outside of its heap. A derivation that needs more is refused as
/// OpenSSL refuses it.
fn affords<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let bytes = args.get(0).number_value(scope).unwrap_or(f64::INFINITY);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a limit in bytes is far below 2^53"
    )]
    let affords = scope
        .get_slot::<Ceiling>()
        .is_none_or(|ceiling| bytes <= ceiling.off_heap as f64);
    rv.set_bool(affords);
}

/// `scrypt(password, salt, logN, r, p, target)` fills the view `target`; whether these costs can be.
fn scrypt<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let (Some(password), Some(salt), Some(mut target)) = (
        Memory::of(args.get(0)),
        Memory::of(args.get(1)),
        Memory::of(args.get(5)),
    ) else {
        return;
    };
    let mut cost = |position| args.get(position).uint32_value(scope).unwrap_or(0);
    let (log_n, r, p) = (cost(2), cost(3), cost(4));
    let done = u8::try_from(log_n)
        .ok()
        .and_then(|log_n| scrypt::Params::new(log_n, r, p).ok())
        .is_some_and(|costs| {
            scrypt::scrypt(password.bytes(), salt.bytes(), &costs, target.bytes_mut()).is_ok()
        });
    rv.set_bool(done);
}

/// `random(view)` fills it from the kernel.
fn random<'s>(scope: &mut Scope<'s>, args: Args<'s>, _rv: Return<'_>) {
    let Some(mut target) = Memory::of(args.get(0)) else {
        return;
    };
    let mut rest = target.bytes_mut();
    while !rest.is_empty() {
        match rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(filled) => rest = rest.get_mut(filled..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(reason) => {
                let error = error(scope, &format!("the kernel gave no random bytes: {reason}"));
                scope.throw_exception(error);
                return;
            }
        }
    }
}

/// `equal(view, view)` of the same length, in a time that tells nothing of where they differ.
fn equal<'s>(_scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let (Some(left), Some(right)) = (Memory::of(args.get(0)), Memory::of(args.get(1))) else {
        return;
    };
    let (left, right) = (left.bytes(), right.bytes());
    let differs = left.iter().zip(right).fold(0_u8, |differs, (a, b)| {
        std::hint::black_box(differs | (a ^ b))
    });
    rv.set_bool(left.len() == right.len() && differs == 0);
}
