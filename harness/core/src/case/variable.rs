//! Variables `subject.…`: a whole scalar in a case that stands for what the subject says; its type is checked at parse.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::parse::nearest;
use super::{HttpTarget, Span, Subject};

/// Every variable and the kind of value it has.
const VARIABLES: &[(&str, &str)] = &[
    ("subject.external.http", "http"),
    ("subject.immutable", "paths"),
    ("subject.livez", "http"),
    ("subject.metrics", "http"),
    ("subject.ready.http", "http"),
    ("subject.ready.within", "span"),
    ("subject.secrets", "paths"),
    ("subject.stop.code", "code"),
    ("subject.stop.signal", "signal"),
    ("subject.stop.within", "span"),
    ("subject.writable", "paths"),
    ("subject.writes", "paths"),
];

/// Every variable that a case can use.
pub fn variables() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|(path, _)| *path)
}

/// A kind of value that a subject can give.
pub trait FromSubject: Sized + Clone {
    /// The kind's name in messages.
    const KIND: &'static str;

    /// The value, when the subject claims it.
    fn from_subject(subject: &Subject, path: &str) -> Option<Self>;
}

impl FromSubject for Span {
    const KIND: &'static str = "span";

    fn from_subject(subject: &Subject, path: &str) -> Option<Self> {
        match path {
            "subject.ready.within" => subject.ready.as_ref().map(|r| r.within),
            "subject.stop.within" => subject.stop.as_ref().map(|s| s.within),
            _ => None,
        }
    }
}

impl FromSubject for i64 {
    const KIND: &'static str = "code";

    fn from_subject(subject: &Subject, path: &str) -> Option<Self> {
        match path {
            "subject.stop.code" => subject.stop.as_ref().map(|s| s.code),
            _ => None,
        }
    }
}

impl FromSubject for String {
    const KIND: &'static str = "signal";

    fn from_subject(subject: &Subject, path: &str) -> Option<Self> {
        match path {
            "subject.stop.signal" => subject.stop.as_ref().map(|s| s.signal().to_owned()),
            _ => None,
        }
    }
}

impl FromSubject for Vec<String> {
    const KIND: &'static str = "paths";

    fn from_subject(subject: &Subject, path: &str) -> Option<Self> {
        let paths = match path {
            "subject.immutable" => &subject.immutable,
            "subject.writable" => return Some(subject.writable.clone()),
            "subject.secrets" => &subject.secrets,
            "subject.writes" => &subject.writes,
            _ => return None,
        };
        (!paths.is_empty()).then(|| paths.clone())
    }
}

impl FromSubject for HttpTarget {
    const KIND: &'static str = "http";

    fn from_subject(subject: &Subject, path: &str) -> Option<Self> {
        match path {
            "subject.livez" => subject.livez.clone(),
            "subject.metrics" => subject.metrics.clone(),
            "subject.ready.http" => subject.ready.as_ref()?.http.clone(),
            "subject.external.http" => subject.external.as_ref().map(|e| e.http.clone()),
            _ => None,
        }
    }
}

/// A value written in a case, or a variable that stands for one.
#[derive(Debug, Clone, PartialEq)]
pub enum Var<T> {
    /// The value itself.
    Value(T),
    /// `subject.…`, known and of the right kind.
    Subject(&'static str),
}

impl<T: FromSubject> Var<T> {
    /// The value for this subject; the error is the variable that the subject does not claim.
    pub fn resolve(&self, subject: &Subject) -> Result<T, &'static str> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Subject(path) => T::from_subject(subject, path).ok_or(*path),
        }
    }
}

fn variable<T: FromSubject>(text: &str) -> Result<&'static str, String> {
    let Some((path, kind)) = VARIABLES.iter().find(|(path, _)| *path == text) else {
        let known: Vec<&str> = VARIABLES
            .iter()
            .filter(|(_, kind)| *kind == T::KIND)
            .map(|(path, _)| *path)
            .collect();
        let hint = nearest(text, variables())
            .map(|n| format!(", did you mean `{n}`?"))
            .unwrap_or_default();
        return Err(format!(
            "unknown variable `{text}`{hint} (known here: {})",
            known.join(", ")
        ));
    };
    if *kind != T::KIND {
        return Err(format!(
            "`{path}` is of kind {kind}; expected one of kind {}",
            T::KIND
        ));
    }
    Ok(path)
}

impl<'de, T: Deserialize<'de> + FromSubject> Deserialize<'de> for Var<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de> + FromSubject> Visitor<'de> for Either<T> {
            type Value = Var<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a value of kind {} or a variable `subject.…`", T::KIND)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.starts_with("subject.") {
                    return variable::<T>(text).map(Var::Subject).map_err(E::custom);
                }
                T::deserialize(StrDeserializer::new(text)).map(Var::Value)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                T::deserialize(de::value::I64Deserializer::new(number)).map(Var::Value)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                T::deserialize(de::value::U64Deserializer::new(number)).map(Var::Value)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(seq)).map(Var::Value)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Var::Value)
            }
        }

        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

impl<T: Serialize> Serialize for Var<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Subject(path) => serializer.serialize_str(path),
        }
    }
}

impl<T: JsonSchema + FromSubject> JsonSchema for Var<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("VarOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let known: Vec<&str> = VARIABLES
            .iter()
            .filter(|(_, kind)| *kind == T::KIND)
            .map(|(path, _)| *path)
            .collect();
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "enum": known }, value] })
    }
}
