//! The client of an attempt: its network, its device cookie, and the name of its browser.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize, Serializer};

use super::hash_queue::LineKey;
use super::{Error, User, sessions};

/// The client that sends a password.
pub struct Client {
    /// The client's network, for the rate limits. `None` if the connection has no IP address.
    pub network: Option<IpAddr>,
    /// The content of the device cookie, if the browser sent one.
    pub device: Option<Device>,
}

/// The last users who logged in with a browser, most recent first. Failures in other browsers don't block
/// these users here (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Device(Vec<KnownUser>);

#[derive(Debug, Serialize, Deserialize)]
struct KnownUser {
    id: i64,
    /// A digest of the password hash at login. After a password change, the user is no longer known here.
    /// Otherwise, an attacker with the old password could save up device cookies, each with its own limit.
    password_digest: String,
    /// A random token, new at each login, so that a copied cookie can block the user only until their next
    /// login. Each user has one, so that a login by one user does not reset the count of another.
    token: String,
}

/// The maximum number of users in a device cookie.
const MAX_USERS: usize = 5;

impl Client {
    /// Creates a client. Keeps only the /64 network of an IPv6 address, because an internet provider usually
    /// assigns at least that to one customer.
    pub fn new(address: Option<IpAddr>, device: Option<Device>) -> Client {
        let network = address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
            address => address,
        });
        Client { network, device }
    }

    /// Returns the line of the hash queue for a login as `user`.
    pub(super) fn line(&self, user: Option<&User>) -> LineKey {
        let known = user.filter(|user| self.known_device(user).is_some());
        known.map_or(LineKey::Network(self.network), |user| LineKey::User(user.id))
    }

    /// Returns the user's token if `user` has logged in there with the current password hash.
    pub(super) fn known_device(&self, user: &User) -> Option<&str> {
        let Device(users) = self.device.as_ref()?;
        let known = users.iter().find(|known| known.id == user.id)?;
        (known.password_digest == password_digest(user)).then_some(&known.token)
    }
}

impl Device {
    /// Adds a login by `user`.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system can't supply random bytes.
    pub fn with_login(mut self, user: &User) -> Result<Device, Error> {
        let token = sessions::new_token()?;
        self.0.retain(|known| known.id != user.id);
        self.0.insert(0, KnownUser { id: user.id, password_digest: password_digest(user), token });
        self.0.truncate(MAX_USERS);
        Ok(self)
    }
}

fn password_digest(user: &User) -> String {
    sessions::to_hex(&sessions::hash_token(&user.password_hash)[..16])
}

/// Serializes a `User-Agent` as the browser and operating system that it names, such as `Firefox on
/// Linux`.
pub(super) fn serialize_device<S: Serializer>(
    user_agent: &str,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let parsed = woothee::parser::Parser::new().parse(user_agent).unwrap_or_default();
    let is_known = |word: &&str| !matches!(*word, "UNKNOWN" | "");
    let browser = Some(parsed.name).filter(is_known);
    match (browser, Some(parsed.os).filter(is_known)) {
        (Some(browser), Some(os)) => serializer.collect_str(&format_args!("{browser} on {os}")),
        (browser, _) => serializer.serialize_str(browser.unwrap_or("Unknown device")),
    }
}
