//! A system with nothing on it but a shell, the small programs that the page uses, and what those need: in a folder, entered
//! by namespaces and `chroot`. Where the kernel allows no namespaces the same folder is used without being entered.
//!
//! `LIGHTPROOF_TEST_ROOT` names another one, in which packages were installed: `.ci/package` makes one of Debian's.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Those of the page, and of the shell around it.
const SMALL_PROGRAMS: [&str; 8] = ["sh", "mv", "truncate", "sha256sum", "touch", "grep", "mkdir", "ln"];

/// In new namespaces: devices and processes, then the root.
const ENTER: &str =
    r#"mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && exec chroot "$1" /bin/sh -c "$2""#;

pub(crate) enum Root {
    /// Made here, of this machine's programs.
    Made(TempDir),
    /// The same, not entered.
    Beside(TempDir),
    /// Somebody else made it, and installed what is tested.
    Given(PathBuf),
}

impl Root {
    /// Where the programs under test lie in one that was made here.
    pub(crate) const PROGRAMS: &str = "built";

    pub(crate) fn new() -> Self {
        if let Some(given) = env::var_os("LIGHTPROOF_TEST_ROOT") {
            return Self::Given(given.into());
        }
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["dev", "proc", "tmp", "usr/bin", Self::PROGRAMS] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        std::os::unix::fs::symlink("usr/bin", root.join("bin")).unwrap();
        let built = [Path::new(env!("CARGO_BIN_EXE_lightproof")), crate::program::relay()];
        for program in built {
            copy_with_libraries(program, root, &root.join(Self::PROGRAMS));
        }
        for name in SMALL_PROGRAMS {
            let program = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(name));
            let program = program.iter().find(|path| path.exists()).unwrap();
            copy_with_libraries(program, root, &root.join("usr/bin"));
        }
        let is_entered = enter(root, "true").output().is_ok_and(|output| output.status.success());
        if is_entered { Self::Made(folder) } else { Self::Beside(folder) }
    }

    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Made(folder) | Self::Beside(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }

    /// What its own programs call it.
    pub(crate) fn seen_from_inside(&self) -> &str {
        match self {
            Self::Made(_) | Self::Given(_) => "",
            Self::Beside(folder) => folder.path().to_str().unwrap(),
        }
    }

    pub(crate) const fn is_called(&self) -> &'static str {
        match self {
            Self::Made(_) => "a root of its own with ten programs",
            Self::Beside(_) => "no root of its own",
            Self::Given(_) => "a root with packages installed",
        }
    }

    /// A shell in it, without any variable of this process.
    pub(crate) fn shell(&self, script: &str) -> Command {
        match self {
            Self::Made(_) | Self::Given(_) => enter(self.folder(), script),
            Self::Beside(_) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", script]).env_clear();
                shell
            }
        }
    }
}

fn enter(root: &Path, script: &str) -> Command {
    let mut entering = Command::new("unshare");
    entering.args(["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]);
    entering.args(["/bin/sh", "-c", ENTER, "enter"]).arg(root).arg(script);
    entering.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    entering
}

fn copy_with_libraries(program: &Path, root: &Path, to: &Path) {
    copy(program, &to.join(program.file_name().unwrap()));
    let listed = Command::new("ldd").arg(program).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).unwrap();
    for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
        let place = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        if !place.exists() {
            copy(Path::new(library), &place);
        }
    }
}

/// Programs with all that a debugger wants are large: where it is the same disk they are only named again.
fn copy(from: &Path, to: &Path) {
    let from = from.canonicalize().unwrap();
    if fs::hard_link(&from, to).is_err() {
        fs::copy(from, to).unwrap();
    }
}
