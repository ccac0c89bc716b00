//! `rping --generate`: manual pages and completions, as the programs that read them see them. Where bash, zsh, fish or
//! mandoc are missing, their tests are skipped.

mod lab;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lab::{Need, RPING, has};

const PAGES: [(&str, &str); 3] =
    [("rping.1", "man"), ("rping-ping.1", "man-ping"), ("rping-traceroute.1", "man-traceroute")];
const LINKS: [&str; 9] =
    ["ping", "ping4", "ping6", "traceroute", "traceroute6", "tcptraceroute", "tracepath", "fping", "fping6"];
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

fn rping(args: &[&str]) -> Output {
    Command::new(RPING).args(args).output().expect("rping")
}

/// What is printed where nothing goes wrong.
fn printed(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{:?} {errors}", output.status);
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn generated(what: &str) -> String {
    printed(&rping(&["--generate", what]))
}

fn refusal(args: &[&str]) -> String {
    let output = rping(args);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// An empty directory of this test.
fn directory(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory");
    path
}

/// A file with what was generated.
fn file(test: &str, what: &str) -> PathBuf {
    let path = directory(test).join(what);
    fs::write(&path, generated(what)).expect("a file");
    path
}

/// The long names of the options in the short help of a command.
fn options(command: &[&str]) -> Vec<String> {
    let help = printed(&rping(&[command, &["-h"]].concat()));
    let rows = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let long = rows.filter_map(|row| row.split(' ').find_map(|word| word.strip_prefix("--")));
    long.map(|name| name.split(['[', '=']).next().unwrap_or(name).to_owned()).collect()
}

#[test]
fn a_directory_gets_each_manual_page_as_it_is_printed() {
    let directory = directory("manuals");
    let path = directory.to_str().expect("a path");
    assert_eq!(printed(&rping(&["--generate", "man", path])), "");
    let mut names: Vec<_> = fs::read_dir(&directory)
        .expect("the directory")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert_eq!(names, ["rping-ping.1", "rping-traceroute.1", "rping.1"]);
    for (name, what) in PAGES {
        assert_eq!(fs::read_to_string(directory.join(name)).expect("a page"), generated(what), "{name}");
    }
    assert_eq!(printed(&rping(&["--generate=man", path])), "");
}

#[test]
fn wrong_arguments_are_refused() {
    let words = "bash, zsh, fish, man, man-ping or man-traceroute";
    assert_eq!(refusal(&["--generate", "ksh"]), format!("rping: --generate ksh: it must be {words}\n"));
    assert_eq!(refusal(&["--generate="]), format!("rping: --generate '': it must be {words}\n"));
    assert_eq!(refusal(&["--generate"]), "rping: --generate needs a value; see 'rping --help'\n");
    assert_eq!(refusal(&["--generate", "bash", "x"]), "rping: unexpected argument 'x'; see 'rping --help'\n");
    assert_eq!(
        refusal(&["--generate", "man", ".", "x"]),
        "rping: unexpected argument 'x'; see 'rping --help'\n"
    );
    assert_eq!(
        refusal(&["--generate", "man", "/nonexistent"]),
        "rping: /nonexistent/rping.1: No such file or directory\n"
    );
}

#[test]
fn manual_pages_have_every_option_and_the_sections_of_ping_8() {
    for (command, what) in [(&[][..], "man"), (&["ping"], "man-ping"), (&["traceroute"], "man-traceroute")] {
        let page = generated(what);
        assert!(page.is_ascii(), "{what}");
        let options = options(command);
        assert!(options.contains(&"version".to_owned()), "{options:?}");
        for option in options {
            let name = format!("\\fB\\-\\-{}\\fR", option.replace('-', "\\-"));
            assert!(
                page.lines().any(|line| line.starts_with("\\fB") && line.contains(&name)),
                "{what}: {option}"
            );
        }
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "PERMISSIONS", "LINKS"] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{what}: {section}");
        }
        for section in ["EXIT STATUS", "SEE ALSO"] {
            assert!(page.contains(&format!("\n.SH \"{section}\"\n")), "{what}: {section}");
        }
    }
    let page = generated("man-ping");
    for part in [
        "\n.TP\n\\fB\\-c\\fR, \\fB\\-\\-count\\fR \\fIN\\fR\nStop after N probes. ",
        "\n.RS\n.TP\n\\fBecho\\fR\nthe data sent back, which nearly every host does\n",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("\\fBtrue\\fR"), "an option without a value has none");
}

#[test]
fn the_version_and_the_date_of_the_pages_are_those_of_the_changelog() {
    let changelog = include_str!("../CHANGELOG.md");
    let version = env!("CARGO_PKG_VERSION");
    let released = changelog.lines().find_map(|line| line.strip_prefix(&format!("## {version} - ")));
    let date = released.expect("the version in the changelog");
    for (name, what) in PAGES {
        let title = name.trim_end_matches(".1").to_uppercase();
        let first = format!(".TH {title} 1 {date} \"rping {version}\" \"User Commands\"");
        assert_eq!(generated(what).lines().next(), Some(first.as_str()));
    }
}

#[test]
fn every_link_is_in_every_page() {
    for (_, what) in PAGES {
        for link in LINKS {
            assert!(generated(what).contains(&format!("\n.TP\n\\fB{link}\\fR\n")), "{what}: {link}");
        }
    }
}

#[test]
fn mandoc_reports_no_mistake_in_a_page() {
    if !has(Need::Shells, "mandoc") {
        return;
    }
    for (_, what) in PAGES {
        let output =
            Command::new("mandoc").args(["-T", "lint", "-W", "style"]).arg(file(what, what)).output();
        let output = output.expect("mandoc");
        let mistakes = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && mistakes.is_empty(), "{mistakes}");
    }
}

#[test]
fn shells_parse_their_completions() {
    for shell in SHELLS.into_iter().filter(|shell| has(Need::Shells, shell)) {
        let output = Command::new(shell).arg("-n").arg(file("parsed", shell)).output().expect(shell);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{shell}: {errors}");
    }
}

/// What a shell completes: a command line, each candidate that must be there, and some that must not.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

/// `known.example` is a known host and `file.example` a file; `lo` is an interface everywhere.
const CASES: [Case<'_>; 17] = [
    ("rping ", &["ping", "traceroute", "help"], &["known.example", "file.example", "lo"]),
    ("rping tr", &["traceroute"], &["ping"]),
    ("rping know", &["known.example"], &["file.example"]),
    ("rping --gen", &["--generate"], &["--count"]),
    ("rping --generate ", &["bash", "zsh", "fish", "man"], &["known.example", "file.example"]),
    ("rping help ", &["ping", "traceroute"], &["help", "known.example"]),
    ("rping ping ", &["known.example"], &["file.example", "lo", "ping", "--count", "-c"]),
    ("rping ping -c 3 know", &["known.example"], &["file.example"]),
    ("rping ping -I ", &["lo"], &["known.example", "file.example"]),
    ("rping ping -c ", &[], &["known.example", "file.example", "lo"]),
    ("rping ping -M ", &["do", "want", "dont", "probe"], &["known.example", "file.example"]),
    ("rping ping --query ti", &["timestamp"], &["echo"]),
    ("rping ping --targets fi", &["file.example"], &["known.example"]),
    ("rping ping --cou", &["--count"], &["--targets", "--generate", "--max-hops"]),
    ("rping traceroute -i ", &["lo"], &["known.example"]),
    ("rping traceroute --max-h", &["--max-hops"], &["--count"]),
    ("rping traceroute -q 1 know", &["known.example"], &["file.example"]),
];

/// Compares what a shell completes with the cases. `complete` makes the script that prints the candidates, a line each.
fn check_completions(shell: &str, args: &[&str], complete: impl Fn(&str, &str) -> String) {
    if !has(Need::Shells, shell) {
        return;
    }
    let test = format!("completions-{shell}");
    let script = file(&test, shell);
    let home = script.parent().expect("a directory").to_path_buf();
    fs::write(home.join("file.example"), "").expect("a file");
    fs::write(home.join("hosts"), "192.0.2.1 known.example\n").expect("a file");
    fs::create_dir(home.join(".ssh")).expect("a directory");
    fs::write(home.join(".ssh/known_hosts"), "known.example ssh-ed25519 AAAA\n").expect("a file");
    for (line, wanted, unwanted) in CASES {
        let output = Command::new(shell)
            .args(args)
            .args(["-c", &complete(script.to_str().expect("a path"), line)])
            .current_dir(&home)
            .env("HOME", &home)
            .env("HOSTFILE", home.join("hosts"))
            .env("XDG_CONFIG_HOME", &home)
            .env("XDG_DATA_HOME", &home)
            .stdin(Stdio::null())
            .output()
            .expect(shell);
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let found: Vec<_> =
            text.lines().map(|line| line.split('\t').next().unwrap_or(line).trim_end()).collect();
        for candidate in wanted {
            assert!(found.contains(candidate), "{shell}: {line}: no {candidate} in {found:?} {errors}");
        }
        for candidate in unwanted {
            assert!(!found.contains(candidate), "{shell}: {line}: {candidate} in {found:?}");
        }
    }
}

#[test]
fn bash_completes_what_can_be_typed() {
    check_completions("bash", &["--norc", "--noprofile"], |script, line| {
        format!(
            "source '{script}'
             line='{line}'
             read -ra COMP_WORDS <<< \"$line\"
             [[ $line != *' ' ]] || COMP_WORDS+=('')
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             _rping
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
    });
}

#[test]
fn bash_completes_a_value_behind_an_equals_sign_and_no_address_in_parts() {
    if !has(Need::Shells, "bash") {
        return;
    }
    let script = file("bash-words", "bash");
    // As bash splits them.
    for (words, expected) in [
        ("ping --query = ti", "timestamp\n"),
        ("ping --query =", "echo\ntimestamp\nmask\n"),
        ("ping --rate = 5 --query ti", "timestamp\n"),
        ("ping fe80 :", "\n"),
        ("--generate = fi", "fish\n"),
    ] {
        let script = format!(
            "source '{}'; COMP_WORDS=(rping {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _rping
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{words}");
    }
}

#[test]
fn fish_completes_what_can_be_typed() {
    check_completions("fish", &["--no-config"], |script, line| {
        format!("source '{script}'; complete -C '{line}'")
    });
}

/// Prints what zsh completes behind a command line, a line each. The completion system works only in a shell that reads
/// a terminal, so there is one, which types the line and a tab.
const ZSH: &str = r#"
cat > init.zsh <<'END'
PS1= PS2=
autoload -Uz compinit && compinit -u -D
source $SCRIPT
bindkey ^I complete-word
zstyle ':completion:*' insert-tab false
finish() { print -r -- '<end>'; exit }
comppostfuncs=(finish)
compadd() {
    local -a found
    # With these, nothing is added.
    if [[ " ${(j: :)@[1,(i)--]}" == *' '-(O|A|D)' '* ]]; then builtin compadd "$@"; return; fi
    builtin compadd -A found "$@"
    (( $#found )) && print -rl -- "|"$^found
    builtin compadd "$@"
}
print -r -- '<ready>'
END
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'source init.zsh || exit'
while zpty -r z line; do [[ $line == *'<ready>'* ]] && break; done
zpty -w -n z "$LINE_TO_COMPLETE"$'\t'
while zpty -r z line; do
    line=${line%$'\r\n'}
    [[ $line == *'<end>'* ]] && break
    [[ $line == *'|'* ]] && print -r -- "${line##*|}"
done
zpty -d z
"#;

#[test]
fn zsh_completes_what_can_be_typed() {
    check_completions("zsh", &["-f"], |script, line| {
        format!("export SCRIPT='{script}' LINE_TO_COMPLETE='{line}'{ZSH}")
    });
}
