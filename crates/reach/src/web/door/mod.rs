//! Who asks, and what that person may do.

/// Who asks: an extension of every request that came through the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// What people call them: a user's name, a token's, or `local` where nobody has to say.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What a form of the page has to carry, so that no page of a stranger can send it.
    pub csrf: String,
    /// Whether there is a session that can be ended.
    pub may_leave: bool,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Viewer,
    /// Acknowledge, silence, write remarks, have targets examined.
    Operator,
}
