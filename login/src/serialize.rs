//! Serializes the guards as their user, so that a handler can pass a guard to a template as `current_user`.

use rocket::serde::{Serialize, Serializer};

use crate::{CurrentUser, FreshUser, RequiredUser};

/// Serializes the user, or `None` for an anonymous user.
impl<U: Serialize> Serialize for CurrentUser<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.user().serialize(serializer)
    }
}

/// Serializes the user.
impl<U: Serialize> Serialize for RequiredUser<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

/// Serializes the user.
impl<U: Serialize> Serialize for FreshUser<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}
