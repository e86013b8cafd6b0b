//! Linux: the few system calls that decoding needs (seccompiler), and no file and no socket (landlock).

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::process;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope};
use rustix::process::Signal;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::Unconfined;

/// A parent that was killed takes its child along.
pub(super) fn end_with_parent() {
    // Where a kernel refuses, the limit on time does the same, later.
    let _refused = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

/// Forbids every file, every connection and every signal, as far as this kernel knows how; tells how far that is.
pub(crate) fn restrict_files() -> RulesetStatus {
    let restricted = || -> Result<RulesetStatus, RulesetError> {
        let everything = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?;
        Ok(everything.create()?.restrict_self()?.ruleset)
    };
    restricted().unwrap_or(RulesetStatus::NotEnforced)
}

/// Kills this process for any system call that is not on the list.
pub(super) fn restrict_calls(input: &File, output: &File) -> Result<(), Unconfined> {
    // A filter cannot look at what clone3 is asked for; told that there is no such call, libraries use the older one.
    let unknown = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    apply(Rules::from([(libc::SYS_clone3, Vec::new())]), SeccompAction::Allow, unknown)?;
    apply(allowed(input, output)?, SeccompAction::KillProcess, SeccompAction::Allow)
}

/// Of several filters, the strictest answer counts.
fn apply(rules: Rules, otherwise: SeccompAction, listed: SeccompAction) -> Result<(), Unconfined> {
    let arch = std::env::consts::ARCH.try_into().map_err(|_| Unconfined)?;
    let filter = SeccompFilter::new(rules, otherwise, listed, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(|_| Unconfined)?;
    seccompiler::apply_filter(&program).map_err(|_| Unconfined)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn allowed(input: &File, output: &File) -> Result<Rules, Unconfined> {
    let is_input = || when(0, SeccompCmpOp::Eq, number(input.as_raw_fd()));
    let is_output = || when(0, SeccompCmpOp::Eq, number(output.as_raw_fd()));
    let is_stderr = || when(0, SeccompCmpOp::Eq, 2);
    let is_ours = || when(0, SeccompCmpOp::Eq, u64::from(process::id()));
    // The library asks, before it closes one, whether it is open.
    let is_question = when(1, SeccompCmpOp::Eq, number(libc::F_GETFD));
    // Memory that is not a file, and never code.
    let is_data = || when(2, SeccompCmpOp::MaskedEq(number(libc::PROT_EXEC)), 0);
    let is_anonymous = || when(3, SeccompCmpOp::MaskedEq(number(libc::MAP_ANONYMOUS)), number(libc::MAP_ANONYMOUS));
    let mut rules = Rules::new();
    rules.insert(libc::SYS_read, vec![rule([is_input()?])?]);
    rules.insert(libc::SYS_lseek, vec![rule([is_input()?])?]);
    rules.insert(libc::SYS_write, vec![rule([is_output()?])?, rule([is_stderr()?])?]);
    rules.insert(libc::SYS_fcntl, vec![rule([is_question?])?]);
    rules.insert(libc::SYS_mmap, vec![rule([is_data()?, is_anonymous()?])?]);
    rules.insert(libc::SYS_mprotect, vec![rule([is_data()?])?]);
    // jpeg-decoder has a thread for each component. A thread is no process, and gets nothing that this one has not.
    let is_thread =
        when(0, SeccompCmpOp::MaskedEq(number(NOT_A_THREAD | libc::CLONE_THREAD)), number(libc::CLONE_THREAD));
    rules.insert(libc::SYS_clone, vec![rule([is_thread?])?]);
    rules.insert(libc::SYS_prctl, vec![rule([when(0, SeccompCmpOp::Eq, number(libc::PR_SET_NAME))?])?]);
    // How a failed allocation ends.
    let is_abort = when(2, SeccompCmpOp::Eq, number(libc::SIGABRT))?;
    rules.insert(libc::SYS_tgkill, vec![rule([is_ours()?, is_abort])?]);
    // No rule: with any arguments. Memory is given back or moved, threads and panics end.
    rules.extend(ALWAYS.iter().map(|call| (*call, Vec::new())));
    Ok(rules)
}

fn when(argument: u8, comparison: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Unconfined> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, comparison, value).map_err(|_| Unconfined)
}

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, Unconfined> {
    SeccompRule::new(conditions.into()).map_err(|_| Unconfined)
}

fn number(value: i32) -> u64 {
    // Flags and descriptors are small and not negative.
    u64::from(value.unsigned_abs())
}

/// What makes a clone more than a thread: namespaces, and a parent that waits.
const NOT_A_THREAD: i32 = libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS
    | libc::CLONE_PTRACE
    | libc::CLONE_VFORK;

const ALWAYS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
];
