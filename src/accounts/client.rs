//! The client that sends a password.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::{Error, User, sessions};

/// The client that sends a password.
pub struct Client {
    /// The client's network, for the rate limits. `None` if the connection has no IP address.
    pub network: Option<IpAddr>,
    /// The content of the device cookie, if the browser sent one.
    pub device: Option<Device>,
}

/// A browser, and the users who have logged in there. Attempts to guess a user's password in other
/// browsers do not block this browser (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
#[derive(Debug, Serialize, Deserialize)]
pub struct Device {
    pub(super) id: String,
    /// The most recent login comes first.
    users: Vec<KnownUser>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownUser {
    id: i64,
    /// A digest of the password hash at the login. After a password change, the device is no longer
    /// known, because otherwise an attacker who had the old password could collect devices, each with its
    /// own limit.
    password: String,
}

/// The maximum number of users of a device. A longer list would not fit into the cookie.
const MAX_USERS: usize = 5;

impl Client {
    /// Describes a client. `address` is replaced by its network, because an internet provider usually
    /// assigns a whole IPv6 network (/64) to a customer.
    pub fn new(address: Option<IpAddr>, device: Option<Device>) -> Client {
        let network = address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
            address => address,
        });
        Client { network, device }
    }

    /// Returns the id of the device if `user` has logged in there.
    pub(super) fn known_device(&self, user: &User) -> Option<&str> {
        let device = self.device.as_ref()?;
        device.users.contains(&KnownUser::from(user)).then_some(&device.id)
    }
}

impl Device {
    /// Describes the device after `user` has logged in. The device gets a new id, so that its count of
    /// failures starts again.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system can't supply random bytes.
    pub fn after_login(previous: Option<Device>, user: &User) -> Result<Device, Error> {
        let mut users = previous.map_or_else(Vec::new, |device| device.users);
        users.retain(|known| known.id != user.id);
        users.insert(0, user.into());
        users.truncate(MAX_USERS);
        Ok(Device { id: sessions::new_token()?, users })
    }
}

impl From<&User> for KnownUser {
    fn from(user: &User) -> KnownUser {
        KnownUser {
            id: user.id,
            password: sessions::to_hex(&sessions::hash_token(&user.password_hash)[..16]),
        }
    }
}
