//! Platforms as OCI spells them: `os/architecture`, and a variant where there are several.

/// Whether an image for `offered` runs where `wanted` is asked for: a variant counts where both name one.
pub(crate) fn fits(offered: &str, wanted: &str) -> bool {
    let parts = |text: &str| {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        (next(), next(), next())
    };
    let ((os, architecture, variant), wanted) = (parts(offered), parts(wanted));
    let same = variant == wanted.2 || variant.is_empty() || wanted.2.is_empty();
    (os, architecture) == (wanted.0, wanted.1) && same
}

/// The platform of this host.
pub(crate) fn host() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{architecture}")
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_variant_counts_where_both_name_one() {
        assert!(fits("linux/arm64/v8", "linux/arm64"));
        assert!(fits("linux/arm64", "linux/arm64/v8"));
        assert!(!fits("linux/arm/v6", "linux/arm/v7"));
        assert!(!fits("linux/amd64", "linux/arm64"));
        assert!(!fits("windows/amd64", "linux/amd64"));
    }
}
