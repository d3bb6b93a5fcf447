//! Each rule is shown by changing one thing in content that is clean.

use crate::content::catalog::Catalog;
use crate::content::source::{Origin, Source};

const CURRICULUM: &str = "apiVersion: ckaprep.dev/v1
kind: Curriculum
id: ex
title: t
version: v
asOf: '2026-01-01'
source: s
attribution: a
format: {minutes: 1, tasksMin: 1, tasksMax: 1, passPercent: 66}
domains:
- {id: one, title: One, weight: 60, competencies: [{id: c-one, summary: s}]}
- {id: two, title: Two, weight: 40, competencies: [{id: c-two, summary: s}]}
";

const FAULT: &str = "apiVersion: ckaprep.dev/v1
kind: Fault
id: stopped
title: t
do: [{stopUnit: \"{{ inventory.kubeletUnit }}\"}]
undo: [{startUnit: kubelet}]
visibleWhen: {expect: {node: {conditions: {Ready: 'Unknown'}}}}
solution: {steps: [{on: node, run: systemctl start kubelet}]}
debrief: {text: x, fastest: [{run: a, shows: b}], link: 'https://kubernetes.io/docs/a'}
";

const SCENARIO: &str = "apiVersion: ckaprep.dev/v1
kind: Scenario
id: sick
title: A node
placements: [{exam: ex, domain: one, competency: c-one}]
difficulty: medium
minutes: 8
host: control-plane
variables:
  node: {node: {role: worker}}
  fault: {hidden: true, oneOf: [stopped]}
setup:
- apply: work.yaml
- capture: {uid: {get: {kind: Node, name: '{{ node }}'}, expr: object.metadata.uid}}
- fault: {id: '{{ fault }}', node: '{{ node }}'}
task: task.md
checks:
- {id: ready, requirement: 1, points: 4, title: Ready, expect: {node: {conditions: {Ready: 'True'}}}}
- {id: gone, requirement: 1, points: 1, title: Gone, after: [ready], expect: {absent: {kind: Pod, name: x}}}
gates:
- {id: same, title: Same, expect: {cel: {get: {kind: Node, name: '{{ node }}'}, expr: object.metadata.uid == captured.uid}}}
hints: [look]
solution: {fromFault: true}
wrong:
- {id: nothing, loses: [ready], steps: [{on: shell, run: 'true'}]}
- {id: more, loses: [ready, gone], steps: [{on: shell, run: 'true'}]}
debrief: {fromFault: true}
";

const QUESTION: &str = "apiVersion: ckaprep.dev/v1
kind: Question
id: q
placements: [{exam: ex, domain: two, competency: c-two}]
type: single
prompt: p
options: [{text: a, correct: true, why: w}, {text: b, why: w}]
explanation: e
link: https://kubernetes.io/docs/b
";

const COMMAND: &str = "apiVersion: ckaprep.dev/v1
kind: Question
id: run
placements: [{exam: ex, domain: two, competency: c-two}]
type: command
prompt: p
checks: [{id: a, points: 1, title: t, expect: {resource: {kind: Pod, name: web}}}]
answers: [{steps: [{on: shell, run: kubectl run web --image=nginx}]}]
wrong: [{id: w, loses: [a], steps: [{on: shell, run: kubectl run app --image=nginx}]}]
explanation: e
link: https://kubernetes.io/docs/b
";

const TASK: &str = "Bring {{ node }} back within {{ minutes }} minutes on {{ host }}.\n\n1. It is Ready.\n";

/// Codes and messages of the findings after replacing a text that must be there.
fn findings(changes: &[(&str, &str)]) -> Vec<String> {
    let mut texts = [CURRICULUM, FAULT, SCENARIO, QUESTION, COMMAND, TASK].map(str::to_owned);
    for (from, to) in changes {
        let mut found = false;
        for text in &mut texts {
            found |= text.contains(from);
            *text = text.replace(from, to);
        }
        assert!(found, "`{from}` is nowhere");
    }
    let [curriculum, fault, scenario, question, command, task] = &texts;
    let files = [
        ("curricula/ex.yaml", curriculum.as_str()),
        ("faults/stopped.yaml", fault),
        ("scenarios/sick/scenario.yaml", scenario),
        ("scenarios/sick/task.md", task),
        ("scenarios/sick/work.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"),
        ("questions/a.yaml", question),
        ("questions/b.yaml", command),
    ];
    let (_, findings) = Catalog::load(&[Source::of_files(Origin::BuiltIn, files)]);
    findings.iter().map(|f| format!("{}:{} {}", f.file().rsplit('/').next().unwrap_or_default(), f.span.line, f.code)).collect()
}

#[test]
fn the_example_is_clean() {
    assert_eq!(findings(&[]), Vec::<String>::new());
}

/// Changes, and the findings that they bring.
type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn each_rule_finds_its_mistake_where_it_is() {
    let table: &[Row] = &[
        (&[("weight: 60", "weight: 61")], &["ex.yaml:10 curriculum/weights"]),
        (
            &[("id: c-two, summary", "id: c-one, summary")],
            &["a.yaml:4 placement/unknown-competency", "b.yaml:4 placement/unknown-competency", "ex.yaml:12 id/duplicate"],
        ),
        (&[("exam: ex, domain: one", "exam: ey, domain: one")], &["scenario.yaml:5 placement/unknown-exam"]),
        (&[("exam: ex, domain: one", "exam: ex, domain: two")], &["scenario.yaml:5 placement/unknown-competency"]),
        (&[("oneOf: [stopped]", "oneOf: [stopped, other]")], &["scenario.yaml:11 fault/unknown"]),
        (&[("id: sick", "id: Sick")], &["scenario.yaml:3 id/file", "scenario.yaml:3 id/format"]),
        (&[("id: run\n", "id: q\n")], &["b.yaml:3 id/duplicate"]),
        (&[("apply: work.yaml", "apply: work.yml")], &["scenario.yaml:13 file/missing"]),
        (
            &[("task: task.md", "task: tusk.md")],
            &["scenario.yaml:16 file/missing", "scenario.yaml:18 task/requirement", "scenario.yaml:19 task/requirement"],
        ),
        (
            &[("name: '{{ node }}'}, expr: object.metadata.uid}", "name: '{{ nod }}'}, expr: object.metadata.uid}")],
            &["scenario.yaml:14 template/unknown-name"],
        ),
        (&[("{{ inventory.kubeletUnit }}", "{{ inventory.kubelet }}")], &["stopped.yaml:5 template/unknown-name"]),
        (&[("Bring {{ node }} back", "Bring {{ node back")], &["scenario.yaml:16 template/syntax"]),
        (&[("Bring {{ node }} back", "Mend {{ fault }} of {{ node }}")], &["scenario.yaml:16 hidden/named"]),
        (&[("Bring {{ node }} back", "The unit is stopped. {{ node }}")], &["scenario.yaml:16 hidden/value"]),
        (&[("title: A node", "title: A stopped node")], &["scenario.yaml:4 hidden/value"]),
        (&[("hints: [look]", "hints: [look at worker-2]")], &["scenario.yaml:22 template/literal"]),
        (&[("requirement: 1, points: 4", "requirement: 2, points: 4")], &["scenario.yaml:18 task/requirement"]),
        (&[("1. It is Ready.", "1. It is Ready.\n2. More.")], &["scenario.yaml:16 task/unproven"]),
        (&[("after: [ready], expect", "expect")], &["scenario.yaml:19 check/free-points"]),
        (&[("after: [ready], expect", "after: [reddy], expect")], &["scenario.yaml:19 check/unknown-after"]),
        (&[("after: [ready], expect", "after: [gone], expect")], &["scenario.yaml:19 check/circle"]),
        (&[("points: 4", "points: 0")], &["scenario.yaml:18 check/no-points"]),
        (
            &[("{id: gone,", "{id: ready,")],
            &["scenario.yaml:19 check/circle", "scenario.yaml:19 id/duplicate", "scenario.yaml:26 wrong/unknown-check"],
        ),
        (&[("expr: object.metadata.uid == captured.uid", "expr: object.metadata.uid ==")], &["scenario.yaml:21 check/expression"]),
        (
            &[("expr: object.metadata.uid == captured.uid", "expr: node.metadata.uid == captured.uid")],
            &["scenario.yaml:21 check/expression"],
        ),
        (&[("absent: {kind: Pod, name: x}", "absent: {kind: Pod}")], &["scenario.yaml:19 check/target"]),
        (&[("loses: [ready]", "loses: [reddy]")], &["scenario.yaml:25 wrong/unknown-check"]),
        (&[("loses: [ready]", "gate: other")], &["scenario.yaml:25 wrong/unknown-gate"]),
        (&[("{id: nothing, loses: [ready],", "{id: nothing,")], &["scenario.yaml:25 wrong/nothing-lost"]),
        (&[("{id: nothing, loses", "{id: nothing, unlessFault: [others], loses")], &["scenario.yaml:25 fault/not-used"]),
        (&[("fromFault: true}\nwrong", "steps: []}\nwrong")], &["scenario.yaml:23 solution/source"]),
        (&[("role: worker}}", "role: worker}, oneOf: [a]}")], &["scenario.yaml:10 variable/source"]),
        (
            &[("node: {node: {role: worker}}", "node: {hidden: true, node: {role: worker}}")],
            &["scenario.yaml:10 variable/hidden", "scenario.yaml:16 hidden/named"],
        ),
        (&[("https://kubernetes.io/docs/a", "https://example.com/a")], &["stopped.yaml:9 link/not-allowed"]),
        (&[("fastest: [{run: a, shows: b}], ", "")], &["stopped.yaml:9 debrief/fastest"]),
        (&[("undo: [{startUnit: kubelet}]", "undo: []")], &["stopped.yaml:6 fault/no-undo"]),
        (&[("{text: b, why: w}", "{text: b, correct: true, why: w}")], &["a.yaml:7 question/options"]),
        (&[("{text: b, why: w}", "{text: b, why: ''}")], &["a.yaml:7 question/why"]),
        (&[("type: single", "type: open")], &["a.yaml:5 question/answer", "a.yaml:7 question/field"]),
        (
            &[(
                "type: single\nprompt: p\noptions: [{text: a, correct: true, why: w}, {text: b, why: w}]",
                "type: short\nprompt: p\nanswer: {accept: [a], pattern: '('}",
            )],
            &["a.yaml:7 check/pattern"],
        ),
        (&[("wrong: [{id: w, loses: [a], steps: [{on: shell, run: kubectl run app --image=nginx}]}]\n", "")], &["b.yaml:7 wrong/missing"]),
        (&[("prompt: p\nchecks", "prompt: p {{ x }}\nchecks")], &["b.yaml:6 template/unknown-name"]),
        (&[("{absent: {kind: Pod, name: x}}", "{workload: {kind: Deployment, name: web}}")], &["scenario.yaml:19 task/unnamed"]),
        (&[("variables:\n", "variables:\n  spare: {number: {from: 1, to: 2}}\n")], &["scenario.yaml:10 variable/unused"]),
        (
            &[("variables:\n", "variables:\n  app: {oneOf: [shop, bank]}\n"), ("title: A node", "title: A node of shop {{ app }}")],
            &["scenario.yaml:4 template/hard-coded"],
        ),
        (&[("title: A node", "title: \"A \\e[2J node\"")], &["scenario.yaml:4 text/control"]),
        (
            &[(
                "{node: {conditions: {Ready: 'True'}}}}\n- {id: gone",
                "{cel: {list: {kind: Pod}, expr: 'objects.all(o, true)'}}}\n- {id: gone",
            )],
            &["scenario.yaml:18 check/empty-set"],
        ),
        (&[("- {id: more, loses: [ready, gone], steps: [{on: shell, run: 'true'}]}\n", "")], &["scenario.yaml:24 wrong/few"]),
        (
            &[("{node: {conditions: {Ready: 'True'}}}}\n- {id: gone", "{podPlacement: {selector: a=b, minimum: 0}}}\n- {id: gone")],
            &["scenario.yaml:18 check/free-points"],
        ),
        (
            &[("prompt: p\nchecks", "prompt: p\nsetup: [{manifest: '{apiVersion: v1, kind: Pod, metadata: {name: web}}'}]\nchecks")],
            &["b.yaml:8 check/given"],
        ),
    ];
    let mut wrong = Vec::new();
    for (changes, expected) in table {
        let (mut found, mut expected) = (findings(changes), expected.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>());
        found.sort();
        expected.sort();
        if found != expected {
            wrong.push(format!("{changes:?}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
