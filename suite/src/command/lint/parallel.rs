//! The same work on many scripts, on every processor; what comes of it is in their order.

use std::cmp::Reverse;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Less work than this, in bytes of scripts to be searched, is done sooner than another thread is there.
pub(super) const LEAST: usize = 64 << 10;
/// As much as the main thread has: a deeply nested script is read on either.
const STACK: usize = 8 << 20;

/// Asked once: the answer is in files.
static WORKERS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// Does `work` on each item, on those of the greatest `size` first: none of them is left when the others are done. Sizes are
/// in bytes; where all of them are less than [`LEAST`], no thread is started.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    size: impl Fn(&T) -> usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let workers = *WORKERS;
    let all = items.iter().map(&size).fold(0, usize::saturating_add);
    if workers.min(items.len()) < 2 || all < LEAST {
        return items.iter().map(work).collect();
    }
    let mut order: Vec<(usize, &T)> = items.iter().enumerate().collect();
    order.sort_by_key(|(_, item)| Reverse(size(item)));
    let next = AtomicUsize::new(0);
    let (next, order, work) = (&next, &order, &work);
    let share = move || {
        let mut done = Vec::new();
        loop {
            let Some((at, item)) = order.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return done;
            };
            done.push((*at, work(item)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..workers.min(items.len()))
            .filter_map(|_| {
                thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, share)
                    .ok()
            })
            .collect();
        // Where no thread could be started, this one does it all.
        let mut done = share();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::{LEAST, each};

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..1000).collect();
        // The first ones take longest.
        let work = |n: &u64| {
            (0..(1000 - n) * 50).fold(*n, |sum, k| sum.wrapping_add(k % 2)) - (1000 - n) * 25
        };
        let wanted: Vec<u64> = items.iter().map(work).collect();
        let sizes: [fn(&u64) -> usize; 3] =
            [|_| 0, |_| LEAST, |n| LEAST + usize::try_from(*n).unwrap()];
        for size in sizes {
            assert_eq!(each(&items, size, work), wanted);
        }
        assert!(each(&[] as &[u64], |_| 0, |n| *n).is_empty());
    }
}
