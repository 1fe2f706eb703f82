//! What many measurements of one thing say: their median, and the interval in which it lies.

/// Resamples behind an interval.
const RESAMPLES: usize = 10_000;

/// The 95 % interval of the median, by resampling with a fixed seed: the same times tell the same interval.
pub(crate) fn interval(ratios: &[f64]) -> (f64, f64) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut pick = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ratios[usize::try_from(state >> 33).unwrap_or(0) % ratios.len()]
    };
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| median(&mut ratios.iter().map(|_| pick()).collect::<Vec<_>>()))
        .collect();
    medians.sort_by(f64::total_cmp);
    (
        medians[RESAMPLES / 40],
        medians[RESAMPLES - RESAMPLES / 40 - 1],
    )
}

/// Sorts, too.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}
