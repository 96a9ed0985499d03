//! `scylla://[user[:password]@]host[:port][,host…]/keyspace[?parameters]`.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use super::StoreUrlError;

/// The port that ScyllaDB listens on for clients.
pub const PORT_DEFAULT: u16 = 9042;

/// The longest name of a keyspace, in bytes.
const KEYSPACE_BYTES_MAX: usize = 48;

/// Where the ScyllaDB engine keeps its data, and how it talks to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScyllaLocation {
    /// Machines to begin with, each `host:port`; the others are learned from them.
    pub hosts: Vec<String>,
    /// Lower-case letters, digits and underscores.
    pub keyspace: String,
    /// Who asks; none where the cluster lets anybody in.
    pub login: Option<Login>,
    /// How many copies confirm an ordinary read or write.
    pub consistency: Copies,
    /// Among whom Paxos decides; where nothing is said, it follows from who has copies.
    pub serial: Option<Serial>,
    /// Whether the connections are encrypted.
    pub tls: Tls,
    /// How many copies a keyspace that is made now has in each datacenter; where nothing is said,
    /// three, or as many as there are machines.
    pub replication: Option<u8>,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password, which is never printed.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How many copies confirm an ordinary read or write. Fewer than most would contradict what Paxos
/// has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Copies {
    /// Most of all copies.
    #[default]
    Quorum,
    /// Most of the copies in the nearest datacenter; only where no other has any.
    LocalQuorum,
    /// Every one.
    All,
}

/// Among whom Paxos decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serial {
    /// All copies.
    Everywhere,
    /// The copies in the nearest datacenter; only where no other has any.
    Local,
}

/// Whether the connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// They are not.
    #[default]
    Off,
    /// They are, and the machine's certificate is one that this system trusts.
    System,
    /// They are, and the machine's certificate is signed by one of those in this PEM file.
    Authorities(PathBuf),
}

impl ScyllaLocation {
    /// Reads what follows `scylla://`.
    pub(super) fn parse(rest: &str) -> Result<Self, StoreUrlError> {
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(read_login(login)?), rest),
            None => (None, rest),
        };
        let (hosts, keyspace) = rest.split_once('/').unwrap_or((rest, ""));
        let mut location = Self {
            hosts: hosts.split(',').map(read_host).collect::<Result<_, _>>()?,
            keyspace: read_keyspace(keyspace)?,
            login,
            consistency: Copies::default(),
            serial: None,
            tls: Tls::default(),
            replication: None,
        };
        for parameter in parameters.split('&').filter(|p| !p.is_empty()) {
            location.set(parameter)?;
        }
        Ok(location)
    }

    fn set(&mut self, parameter: &str) -> Result<(), StoreUrlError> {
        match parameter.split_once('=') {
            Some(("consistency", "quorum")) => self.consistency = Copies::Quorum,
            Some(("consistency", "local_quorum")) => self.consistency = Copies::LocalQuorum,
            Some(("consistency", "all")) => self.consistency = Copies::All,
            Some(("serial", "serial")) => self.serial = Some(Serial::Everywhere),
            Some(("serial", "local_serial")) => self.serial = Some(Serial::Local),
            Some(("tls", "off")) => self.tls = Tls::Off,
            Some(("tls", "on")) => self.tls = Tls::System,
            Some(("tls", file)) if !file.is_empty() => {
                self.tls = Tls::Authorities(PathBuf::from(decoded(file)?));
            }
            Some(("replication", number)) if number.parse().is_ok_and(|n: u8| n > 0) => {
                self.replication = number.parse().ok();
            }
            _ => return Err(StoreUrlError::UnknownScyllaParameter(parameter.to_owned())),
        }
        Ok(())
    }

    fn parameters(&self) -> Vec<String> {
        let consistency = match self.consistency {
            Copies::Quorum => None,
            Copies::LocalQuorum => Some("consistency=local_quorum".to_owned()),
            Copies::All => Some("consistency=all".to_owned()),
        };
        let serial = self.serial.map(|serial| match serial {
            Serial::Everywhere => "serial=serial".to_owned(),
            Serial::Local => "serial=local_serial".to_owned(),
        });
        let tls = match &self.tls {
            Tls::Off => None,
            Tls::System => Some("tls=on".to_owned()),
            Tls::Authorities(file) => Some(format!("tls={}", encoded(&file.to_string_lossy()))),
        };
        let replication = self.replication.map(|copies| format!("replication={copies}"));
        [consistency, serial, tls, replication].into_iter().flatten().collect()
    }
}

fn read_login(text: &str) -> Result<Login, StoreUrlError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    Ok(Login { user: decoded(user)?, password: decoded(password)? })
}

/// Adds the port where none is named. An address of IPv6 stands in brackets.
fn read_host(text: &str) -> Result<String, StoreUrlError> {
    let wrong = || StoreUrlError::NoHost(text.to_owned());
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (text, PORT_DEFAULT),
    };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let colons = bare.contains(':');
    if bare.is_empty() || !bare.chars().all(letters) || (colons && bare.len() == host.len()) {
        return Err(wrong());
    }
    Ok(format!("{host}:{port}"))
}

fn read_keyspace(text: &str) -> Result<String, StoreUrlError> {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    if begins && text.len() <= KEYSPACE_BYTES_MAX && text.bytes().all(letters) {
        Ok(text.to_owned())
    } else {
        Err(StoreUrlError::NoKeyspace(text.to_owned()))
    }
}

/// Replaces `%40` and its like by what they stand for.
pub(super) fn decoded(text: &str) -> Result<String, StoreUrlError> {
    let wrong = || StoreUrlError::WrongEscape;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
            let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
            bytes.push(byte.ok_or_else(wrong)?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// Writes a text so that [`decoded`] reads it back, whatever is in it.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

impl fmt::Display for ScyllaLocation {
    /// Writes the URL without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scylla://")?;
        if let Some(login) = &self.login {
            write!(f, "{}@", encoded(&login.user))?;
        }
        write!(f, "{}/{}", self.hosts.join(","), self.keyspace)?;
        let parameters = self.parameters();
        if !parameters.is_empty() {
            write!(f, "?{}", parameters.join("&"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<ScyllaLocation, StoreUrlError> {
        ScyllaLocation::parse(url.strip_prefix("scylla://").unwrap())
    }

    #[test]
    fn a_url_reads_back_as_it_was_written() {
        for url in [
            "scylla://127.0.0.1:9042/tix",
            "scylla://a.example:9042,[::1]:19042/tix_2?consistency=all&serial=serial&tls=on",
            "scylla://ann%40home@db:9042/tix?consistency=local_quorum&serial=local_serial",
            "scylla://db:9042/tix?tls=/etc/my%20ca.pem&replication=2",
        ] {
            assert_eq!(parse(url).unwrap().to_string(), url);
        }
        assert_eq!(parse("scylla://db,[::1]/tix").unwrap().hosts, ["db:9042", "[::1]:9042"]);
    }

    #[test]
    fn a_password_is_read_and_never_printed() {
        let location = parse("scylla://ann:s%3Aecr%40t@db/tix").unwrap();
        assert_eq!(location.login.as_ref().unwrap().password, "s:ecr@t");
        assert_eq!(location.to_string(), "scylla://ann@db:9042/tix");
        assert!(!format!("{location:?}").contains("ecr"));
    }

    #[test]
    fn what_names_no_cluster_is_refused() {
        for wrong in [
            "scylla://",
            "scylla://db",
            "scylla://db/",
            "scylla:///tix",
            "scylla://db:port/tix",
            "scylla://::1/tix",
            "scylla://a,,b/tix",
            "scylla://db/Tix",
            "scylla://db/1tix",
            "scylla://db/tix;drop",
            "scylla://ann:%zz@db/tix",
            "scylla://db/tix?consistency=one",
            "scylla://db/tix?replication=0",
            "scylla://db/tix?tls",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
