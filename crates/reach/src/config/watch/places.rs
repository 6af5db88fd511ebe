//! Where things are when nobody says where.

use std::path::{Path, PathBuf};

/// The usual places of this user, or of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Where configurations may be, first choice first.
    pub configs: Vec<PathBuf>,
    /// Where state is kept.
    pub state: PathBuf,
    /// Where the control socket may be, first choice first.
    pub sockets: Vec<PathBuf>,
}

/// Where the service has its things.
const SYSTEM_CONFIG: &str = "/etc/reach/reach.toml";
const SYSTEM_STATE: &str = "/var/lib/reach";
const SYSTEM_RUNTIME: &str = "/run/reach";
const SOCKET: &str = "watch.sock";

impl Places {
    /// By what the environment says: systemd's directories, then the user's own (XDG base directories), then those
    /// of the system.
    pub fn gather(variable: &dyn Fn(&str) -> Option<String>, is_root: bool) -> Self {
        // The XDG specification has paths that are not absolute ignored.
        let path = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        // systemd may name several, parted by colons.
        let first = |name: &str| {
            variable(name)
                .and_then(|value| value.split(':').next().map(PathBuf::from))
                .filter(|path| path.is_absolute())
        };
        let home = path("HOME");
        let under_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let mine = |directory: Option<PathBuf>| if is_root { None } else { directory };

        let config_home = path("XDG_CONFIG_HOME").or_else(|| under_home(".config"));
        let configs = config_home.map(|home| home.join("reach/reach.toml"));
        let state_home = mine(path("XDG_STATE_HOME").or_else(|| under_home(".local/state")));
        let state = first("STATE_DIRECTORY")
            .or_else(|| state_home.map(|home| home.join("reach")))
            .unwrap_or_else(|| SYSTEM_STATE.into());
        let runtime = mine(path("XDG_RUNTIME_DIR")).map(|directory| directory.join("reach"));
        // A user without a runtime directory cannot write where the service has its socket.
        let runtime = runtime.or_else(|| if is_root { None } else { Some(state.clone()) });
        let sockets = [first("RUNTIME_DIRECTORY"), runtime, Some(SYSTEM_RUNTIME.into())];
        Self {
            configs: configs.into_iter().chain([SYSTEM_CONFIG.into()]).collect(),
            state,
            sockets: sockets.into_iter().flatten().map(|directory| directory.join(SOCKET)).collect(),
        }
    }

    /// The configuration that is there; the last place, where none is.
    pub fn config(&self) -> PathBuf {
        let there = self.configs.iter().find(|path| path.exists());
        there.or(self.configs.last()).cloned().unwrap_or_else(|| SYSTEM_CONFIG.into())
    }

    /// Where a watch of this user makes its socket.
    pub fn socket(&self) -> &Path {
        self.sockets.first().map_or(Path::new("/run/reach/watch.sock"), PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(variables: &[(&str, &str)], is_root: bool) -> Places {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Places::gather(&variable, is_root)
    }

    #[test]
    fn the_service_keeps_its_things_where_systemd_says() {
        let places = gathered(
            &[("STATE_DIRECTORY", "/var/lib/reach"), ("RUNTIME_DIRECTORY", "/run/reach"), ("HOME", "/")],
            false,
        );
        assert_eq!(places.state, Path::new("/var/lib/reach"));
        assert_eq!(places.socket(), Path::new("/run/reach/watch.sock"));
    }

    #[test]
    fn a_user_has_things_of_their_own_and_asks_the_service_too() {
        let places = gathered(&[("HOME", "/home/kim"), ("XDG_RUNTIME_DIR", "/run/user/1000")], false);
        assert_eq!(places.configs[0], Path::new("/home/kim/.config/reach/reach.toml"));
        assert_eq!(places.state, Path::new("/home/kim/.local/state/reach"));
        assert_eq!(
            places.sockets,
            [Path::new("/run/user/1000/reach/watch.sock"), Path::new("/run/reach/watch.sock")]
        );
        let bare = gathered(&[("HOME", "/home/kim"), ("XDG_STATE_HOME", "relative")], false);
        assert_eq!(bare.socket(), Path::new("/home/kim/.local/state/reach/watch.sock"));
    }

    #[test]
    fn root_keeps_things_where_the_system_does() {
        let places = gathered(&[("HOME", "/root"), ("XDG_RUNTIME_DIR", "/run/user/0")], true);
        assert_eq!(places.state, Path::new("/var/lib/reach"));
        assert_eq!(places.sockets, [Path::new("/run/reach/watch.sock")]);
    }
}
