//! Which store the environment asks for (seed 002); half a configuration fails here, by the name of the variable.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use crate::env;

/// Where snapshots are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// Below a directory.
    Local {
        /// The directory; made when something is put into it.
        base: PathBuf,
    },
    /// In a bucket.
    S3 {
        /// `SANDBOX_SNAPSHOTS_BUCKET`.
        bucket: String,
        /// `SANDBOX_SNAPSHOTS_REGION`, `us-east-1` unless it is set.
        region: String,
        /// `SANDBOX_SNAPSHOTS_PREFIX`, `sandbox-snapshots` unless it is set; no `/` at either end.
        prefix: String,
        /// `SANDBOX_SNAPSHOTS_ENDPOINT`: another S3 than Amazon's.
        endpoint: Option<String>,
        /// `SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE`.
        path_style: bool,
        /// What the `AWS_` variables bring.
        credentials: Credentials,
    },
}

/// The `AWS_` variables that say who we are; none of them, and the instance is asked. Never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials(pub(super) Vec<(&'static str, String)>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// The default chain: keys, web identity (IRSA), a container's, the instance's.
const CHAIN: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
    "AWS_IMDSV1_FALLBACK",
];

/// A variable that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{variable}` {reason}")]
pub struct ConfigError {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong.
    pub reason: String,
}

fn wrong(variable: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError {
        variable,
        reason: reason.into(),
    }
}

impl Config {
    /// What the environment says: `None` when it names no store at all.
    ///
    /// # Errors
    /// When it says half of it, or nonsense.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        Self::from(env::host)
    }

    /// The same, for any source of variables.
    ///
    /// # Errors
    /// As `from_env`.
    pub fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let set = |name: &'static str| match variable(name) {
            Some(text) if text.trim().is_empty() => Err(wrong(name, "is set but empty")),
            other => Ok(other.map(|text| text.trim().to_owned())),
        };
        let Some(bucket) = set(env::BUCKET)? else {
            for name in [env::REGION, env::PREFIX, env::ENDPOINT, env::PATH_STYLE] {
                if set(name)?.is_some() {
                    let reason = format!("is not set, but `{name}` is: both, or neither");
                    return Err(wrong(env::BUCKET, reason));
                }
            }
            let base = set(env::DATA_DIR)?.map(|dir| PathBuf::from(dir).join("sandbox-snapshots"));
            return Ok(base.map(|base| Self::Local { base }));
        };
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        if !bucket.to_ascii_lowercase().chars().all(label) {
            return Err(wrong(
                env::BUCKET,
                format!("is `{bucket}`, which is no name of a bucket"),
            ));
        }
        let prefix = set(env::PREFIX)?.unwrap_or_else(|| "sandbox-snapshots".to_owned());
        let prefix = prefix.trim_matches('/').to_owned();
        if prefix
            .split('/')
            .any(|part| matches!(part, "." | "..") || part.is_empty() && !prefix.is_empty())
        {
            return Err(wrong(
                env::PREFIX,
                format!("is `{prefix}`, which has a component that is no name"),
            ));
        }
        let endpoint = set(env::ENDPOINT)?;
        if let Some(endpoint) = &endpoint {
            let host = endpoint
                .strip_prefix("https://")
                .or_else(|| endpoint.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
                return Err(wrong(
                    env::ENDPOINT,
                    format!("is `{endpoint}`, not an http:// or https:// address"),
                ));
            }
        }
        let path_style = match set(env::PATH_STYLE)?.as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(other) => {
                return Err(wrong(
                    env::PATH_STYLE,
                    format!("is `{other}`; known: true, 1, false, 0"),
                ));
            }
        };
        let credentials = credentials(&variable)?;
        Ok(Some(Self::S3 {
            region: set(env::REGION)?.unwrap_or_else(|| "us-east-1".to_owned()),
            bucket,
            prefix,
            endpoint,
            path_style,
            credentials,
        }))
    }
}

/// Credentials come from the default chain; half of a pair would only fail with the first snapshot.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, ConfigError> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needs = [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ("AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
    ];
    for (one, needed) in needs {
        if set(one).is_some() && set(needed).is_none() {
            return Err(wrong(needed, format!("is not set, but `{one}` is")));
        }
    }
    let found = CHAIN
        .into_iter()
        .filter_map(|name| Some((name, set(name)?)));
    Ok(Credentials(found.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Option<Config>, String> {
        Config::from(|name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_chooses() {
        assert_eq!(config(&[]), Ok(None));
        assert_eq!(
            config(&[("DATA_DIR", "/data")]),
            Ok(Some(Config::Local {
                base: "/data/sandbox-snapshots".into()
            }))
        );
        let s3 = |variables: &[(&str, &str)]| match config(
            &[&[("SANDBOX_SNAPSHOTS_BUCKET", "b")], variables].concat(),
        ) {
            Ok(Some(Config::S3 {
                region,
                prefix,
                endpoint,
                path_style,
                ..
            })) => (region, prefix, endpoint, path_style),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            s3(&[("DATA_DIR", "/data")]),
            ("us-east-1".into(), "sandbox-snapshots".into(), None, false)
        );
        let all = [
            ("SANDBOX_SNAPSHOTS_REGION", "eu-west-1"),
            ("SANDBOX_SNAPSHOTS_PREFIX", "/a/b/"),
            ("SANDBOX_SNAPSHOTS_ENDPOINT", "http://localhost:9000"),
            ("SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE", "true"),
        ];
        assert_eq!(
            s3(&all),
            (
                "eu-west-1".into(),
                "a/b".into(),
                Some("http://localhost:9000".into()),
                true
            )
        );
        for (text, wanted) in [("1", true), ("true", true), ("0", false), ("false", false)] {
            assert_eq!(
                s3(&[("SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE", text)]).3,
                wanted
            );
        }
    }

    #[test]
    fn half_a_configuration_names_its_variable() {
        let bucket = ("SANDBOX_SNAPSHOTS_BUCKET", "b");
        for (variables, error) in [
            (
                &[("SANDBOX_SNAPSHOTS_REGION", "eu-west-1")][..],
                "`SANDBOX_SNAPSHOTS_BUCKET` is not set, but `SANDBOX_SNAPSHOTS_REGION` is: both, or neither",
            ),
            (
                &[("SANDBOX_SNAPSHOTS_BUCKET", "")],
                "`SANDBOX_SNAPSHOTS_BUCKET` is set but empty",
            ),
            (&[("DATA_DIR", " ")], "`DATA_DIR` is set but empty"),
            (
                &[("SANDBOX_SNAPSHOTS_BUCKET", "s3://b/x")],
                "`SANDBOX_SNAPSHOTS_BUCKET` is `s3://b/x`, which is no name of a bucket",
            ),
            (
                &[bucket, ("SANDBOX_SNAPSHOTS_PREFIX", "a/../b")],
                "`SANDBOX_SNAPSHOTS_PREFIX` is `a/../b`, which has a component that is no name",
            ),
            (
                &[bucket, ("SANDBOX_SNAPSHOTS_ENDPOINT", "localhost:9000")],
                "`SANDBOX_SNAPSHOTS_ENDPOINT` is `localhost:9000`, not an http:// or https:// address",
            ),
            (
                &[bucket, ("SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE", "yes")],
                "`SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE` is `yes`; known: true, 1, false, 0",
            ),
            (
                &[bucket, ("AWS_ACCESS_KEY_ID", "x")],
                "`AWS_SECRET_ACCESS_KEY` is not set, but `AWS_ACCESS_KEY_ID` is",
            ),
            (
                &[bucket, ("AWS_WEB_IDENTITY_TOKEN_FILE", "/x")],
                "`AWS_ROLE_ARN` is not set, but `AWS_WEB_IDENTITY_TOKEN_FILE` is",
            ),
        ] {
            assert_eq!(config(variables), Err(error.to_owned()));
        }
    }
}
