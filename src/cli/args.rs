//! The command line as a whole. Each command's own options stand in its file.

use clap::{Parser, Subcommand};

use super::commands::{
    attach, author, backend, check, cluster, completions, curriculum, doctor, hint, history, kubectl, list, next, nodes, pack, quiz,
    replay, reset, scenario, serve, show, solution, ssh, ssh_shim, stats, status, stop, study, task,
};
use super::context::{Context, Format};
use super::error::CliError;

/// Practise for the CKA and CKAD exams: quizzes by the published domain weights, and hands-on scenarios on a cluster
/// that is broken on purpose, graded by the state in which you leave it.
///
/// No Docker and no download: the cluster runs inside this program. Without a command, ckaprep says what to do next.
#[derive(Debug, Parser)]
#[command(name = "ckaprep", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, and full points where something is graded (a quiz: the pass mark); 1 below that; 2 usage; 3 environment, or not graded; \
4 content; 70 a bug.

State is kept in $CKAPREP_STATE_DIR, else $XDG_STATE_HOME/ckaprep, else ~/.local/state/ckaprep.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a scenario: a broken cluster, a task, a shell
    Scenario(scenario::Args),
    /// Grade what you have done so far
    Check(check::Args),
    /// Show the next hint
    Hint(hint::Args),
    /// Show the task again
    Task(task::Args),
    /// Show the reference solution; the attempt then counts as assisted
    Solution(solution::Args),
    /// Put the cluster back to where you got it
    Reset(reset::Args),
    /// Show the sessions and where they stand
    Status(status::Args),
    /// Join a session from this terminal, or bring one back
    Attach(attach::Args),
    /// End a session and remove what it made
    Stop(stop::Args),
    /// Open a root shell on a node, or run one command there
    Ssh(ssh::Args),
    /// The built-in kubectl, against the session's cluster
    Kubectl(kubectl::Args),
    /// Answer questions drawn by an exam's domain weights
    Quiz(quiz::Args),
    /// Practise what you need next: what is due, and what is new
    Study(study::Args),
    /// Show how ready you are, and what stands in the way
    Stats(stats::Args),
    /// List scenarios, questions and exams
    List(list::Args),
    /// Show a scenario, question or exam without starting it
    Show(show::Args),
    /// Show an exam's domains, weights and what covers them
    Curriculum(curriculum::Args),
    /// Show your attempts, or carry them to another machine
    History(history::Args),
    /// Bring back exactly the variant of an attempt
    Replay(replay::Args),
    /// Manage the kind clusters that scenarios are run on
    Cluster(cluster::Args),
    /// Say what practising on a cluster of your own needs
    Backend(backend::Args),
    /// Look at this machine and the state directory
    Doctor(doctor::Args),
    /// Print a completion script for your shell
    Completions(completions::Args),
    /// Tools for those who write scenarios and questions
    Author(author::Args),
    /// Add, list and remove packs: scenarios and questions that others wrote
    Pack(pack::Args),
    /// The session's own process
    #[command(hide = true)]
    SessionServe(serve::Args),
    /// What stands in for ssh in the practice shell
    #[command(hide = true)]
    SshShim(ssh_shim::Args),
    /// Names of the session's nodes, for completion
    #[command(hide = true)]
    Nodes(nodes::Args),
}

impl Cli {
    /// How the command was asked to print; errors follow it.
    pub fn format(&self) -> Format {
        match &self.command {
            Some(Command::Scenario(args)) => args.format,
            Some(Command::Check(args)) => args.format,
            Some(Command::Hint(args)) => args.target.format,
            Some(Command::Task(args)) => args.target.format,
            Some(Command::Solution(args)) => args.target.format,
            Some(Command::Reset(args)) => args.target.format,
            Some(Command::Status(args)) => args.format,
            Some(Command::Quiz(args)) => args.format,
            Some(Command::List(args)) => args.format,
            Some(Command::Show(args)) => args.format,
            Some(Command::Curriculum(args)) => args.format,
            Some(Command::Study(args)) => args.format,
            Some(Command::Stats(args)) => args.format,
            Some(Command::History(args)) => args.format(),
            Some(Command::Replay(args)) => args.format,
            Some(Command::Doctor(args)) => args.format,
            Some(Command::Author(args)) => args.format(),
            Some(Command::Pack(args)) => args.format(),
            Some(Command::Cluster(args)) => args.format(),
            _ => Format::Text,
        }
    }

    /// Runs the command; the result is the exit code.
    pub fn run(self, context: &Context) -> Result<u8, CliError> {
        match self.command {
            None => next::run(context),
            Some(Command::Scenario(args)) => scenario::run(args, context),
            Some(Command::Check(args)) => check::run(args, context),
            Some(Command::Hint(args)) => hint::run(args, context),
            Some(Command::Task(args)) => task::run(args, context),
            Some(Command::Solution(args)) => solution::run(args, context),
            Some(Command::Reset(args)) => reset::run(args, context),
            Some(Command::Status(args)) => status::run(args, context),
            Some(Command::Attach(args)) => attach::run(args, context),
            Some(Command::Stop(args)) => stop::run(args, context),
            Some(Command::Ssh(args)) => ssh::run(args, context),
            Some(Command::Kubectl(args)) => kubectl::run(args, context),
            Some(Command::Quiz(args)) => quiz::run(args, context),
            Some(Command::List(args)) => list::run(args, context),
            Some(Command::Show(args)) => show::run(args, context),
            Some(Command::Curriculum(args)) => curriculum::run(args, context),
            Some(Command::Study(args)) => study::run(args, context),
            Some(Command::Stats(args)) => stats::run(args, context),
            Some(Command::History(args)) => history::run(args, context),
            Some(Command::Replay(args)) => replay::run(args, context),
            Some(Command::Cluster(args)) => cluster::run(args, context),
            Some(Command::Backend(args)) => backend::run(&args, context),
            Some(Command::Doctor(args)) => doctor::run(args, context),
            Some(Command::Completions(args)) => completions::run(args, context),
            Some(Command::Author(args)) => author::run(args, context),
            Some(Command::Pack(args)) => pack::run(args, context),
            Some(Command::SessionServe(args)) => serve::run(args, context),
            Some(Command::SshShim(args)) => ssh_shim::run(args, context),
            Some(Command::Nodes(args)) => nodes::run(args, context),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
