//! An exercise bound to a variant: every text filled in, for one cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::catalog::Catalog;
use super::exercise::{Exercise, ExerciseKind};
use super::fault::Fault;
use super::scenario::{Debrief, Fastest, applies};
use super::step::{ScriptStep, Step};
use super::template::{self, Context, TemplateError};
use super::variable::{self, BindError, Bindings};
use crate::grade::judge::Scope;
use crate::grade::spec::{Check, Gate};
use crate::model::{Capability, CheckId, FaultId, Inventory, Role, WrongId};

/// An exercise with its variables bound.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The content.
    pub exercise: Arc<Exercise>,
    /// The cluster's names.
    pub inventory: Arc<Inventory>,
    /// What chose the variables.
    pub seed: u64,
    /// Their values.
    pub bindings: Bindings,
    /// What the setup remembered; empty before it ran.
    pub captured: Map<String, Value>,
    /// Faults that the setup puts in, in its order.
    pub faults: Vec<PlacedFault>,
}

/// A fault on a node.
#[derive(Clone, Debug)]
pub struct PlacedFault {
    /// The fault.
    pub fault: Arc<Fault>,
    /// The node.
    pub node: String,
}

/// What a session or the history keeps of an instance: everything by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceRecord {
    /// Scenario or question.
    pub kind: ExerciseKind,
    /// Its id.
    pub id: String,
    /// What chose the variables.
    pub seed: u64,
    /// Their values.
    pub bindings: Bindings,
    /// What the setup remembered.
    #[serde(default)]
    pub captured: Map<String, Value>,
}

/// Why an exercise could not be bound or filled in: an error of the content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// Variables.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A text.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A fault that is not in the catalogue.
    #[error("there is no fault `{0}`")]
    NoFault(String),
    /// A scenario or question that is not in the catalogue.
    #[error("there is no exercise `{0}`")]
    NoExercise(String),
    /// A file that is not beside the scenario.
    #[error("there is no file `{0}` beside the scenario")]
    NoFile(String),
}

/// A wrong fix, or an alternative solution, filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempted {
    /// Its name.
    pub id: WrongId,
    /// Its steps.
    pub steps: Vec<ScriptStep>,
    /// Checks that it must lose; none for alternatives.
    pub loses: Vec<CheckId>,
    /// The gate that it must close.
    pub gate: Option<CheckId>,
}

/// What to learn, filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DebriefText {
    /// Title of the fault, where there is one.
    pub fault: Option<String>,
    /// Root cause: Markdown.
    pub cause: String,
    /// The commands that find it fastest, each with what it shows.
    pub fastest: Vec<(String, String)>,
    /// A page that the exam allows.
    pub link: Option<String>,
}

impl Instance {
    /// Capabilities that this variant needs and that are not among `has`.
    pub fn lacking(&self, has: &BTreeSet<Capability>) -> Vec<Capability> {
        let faults = self.faults.iter().flat_map(|placed| &placed.fault.requires.capabilities);
        self.exercise.requires.capabilities.iter().chain(faults).filter(|c| !has.contains(c)).copied().collect()
    }

    /// Binds an exercise. `given` holds what must not be drawn: the hidden variables of a variant, or all of an earlier attempt.
    pub fn bind(
        catalog: &Catalog,
        exercise: &Arc<Exercise>,
        inventory: &Arc<Inventory>,
        seed: u64,
        given: &Bindings,
    ) -> Result<Self, InstanceError> {
        let bindings = variable::bind(&exercise.variables, given, inventory, seed)?;
        let context = Context::new(&bindings, inventory);
        let mut faults = Vec::new();
        for step in &exercise.setup {
            let Step::Fault(step) = step else { continue };
            let id = template::render(&step.id, &context)?;
            let fault = catalog.fault(&id, exercise.pack.as_deref()).ok_or(InstanceError::NoFault(id))?;
            faults.push(PlacedFault { fault: Arc::clone(fault), node: template::render(&step.node, &context)? });
        }
        Ok(Self { exercise: Arc::clone(exercise), inventory: Arc::clone(inventory), seed, bindings, captured: Map::new(), faults })
    }

    /// What to keep of it.
    pub fn record(&self) -> InstanceRecord {
        InstanceRecord {
            kind: self.exercise.kind,
            id: self.exercise.id.clone(),
            seed: self.seed,
            bindings: self.bindings.clone(),
            captured: self.captured.clone(),
        }
    }

    /// Brings back what was kept.
    pub fn restore(catalog: &Catalog, record: &InstanceRecord, inventory: &Arc<Inventory>) -> Result<Self, InstanceError> {
        let exercise = catalog.exercise(record.kind, &record.id).ok_or_else(|| InstanceError::NoExercise(record.id.clone()))?;
        let mut instance = Self::bind(catalog, &exercise, inventory, record.seed, &record.bindings)?;
        instance.captured = record.captured.clone();
        Ok(instance)
    }

    /// The hidden variables: what makes it this variant.
    pub fn variant(&self) -> Bindings {
        let hidden = |name: &str| self.exercise.variables.get(name).is_some_and(|v| v.hidden);
        self.bindings.iter().filter(|(name, _)| hidden(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// Ids of its faults.
    pub fn fault_ids(&self) -> Vec<FaultId> {
        self.faults.iter().map(|f| f.fault.id.clone()).collect()
    }

    /// Name of the machine where the candidate works.
    pub fn host(&self) -> &str {
        self.inventory.names(self.exercise.host).first().copied().unwrap_or_default()
    }

    /// What texts may name.
    pub fn context(&self) -> Context {
        Context::new(&self.bindings, &self.inventory)
            .with_captured(&self.captured)
            .with("host", self.host())
            .with("minutes", self.exercise.minutes)
    }

    /// What a fault's texts may name.
    pub fn fault_context(&self, placed: &PlacedFault) -> Context {
        self.context().with("node", placed.node.as_str())
    }

    /// Fills in a part of the content.
    pub fn fill<T: Serialize + DeserializeOwned>(&self, part: &T) -> Result<T, InstanceError> {
        Ok(template::render_all(part, &self.context())?)
    }

    /// Title.
    pub fn title(&self) -> Result<String, InstanceError> {
        Ok(template::render(&self.exercise.title, &self.context())?)
    }

    /// Task text: Markdown with numbered requirements.
    pub fn task(&self) -> Result<String, InstanceError> {
        Ok(template::render(&self.exercise.task, &self.context())?)
    }

    /// A file beside the exercise, filled in.
    pub fn file(&self, path: &str) -> Result<String, InstanceError> {
        let text = self.exercise.files.get(path).ok_or_else(|| InstanceError::NoFile(path.to_owned()))?;
        Ok(template::render(text, &self.context())?)
    }

    /// The manifest that a step of the setup applies, filled in, and its file (`setup` for one that stands in the step itself); none for
    /// other steps.
    pub fn manifest<'a>(&self, step: &'a Step) -> Result<Option<(&'a str, String)>, InstanceError> {
        Ok(match step {
            Step::Apply(path) => Some((path, self.file(path)?)),
            Step::Manifest(text) => Some(("setup", template::render(text, &self.context())?)),
            _ => None,
        })
    }

    /// The checks of this variant.
    pub fn checks(&self) -> Result<Vec<Check>, InstanceError> {
        let faults = self.fault_ids();
        let applying: Vec<Check> = self.exercise.checks.iter().filter(|c| c.applies_to(&faults)).cloned().collect();
        self.fill(&applying)
    }

    /// The gates.
    pub fn gates(&self) -> Result<Vec<Gate>, InstanceError> {
        self.fill(&self.exercise.gates)
    }

    /// What checks may refer to besides the cluster.
    pub fn scope(&self) -> Scope {
        let node = self.bindings.get("node").and_then(Value::as_str).map(str::to_owned);
        Scope {
            node: node.or_else(|| self.faults.first().map(|f| f.node.clone())),
            host: self.host().to_owned(),
            captured: Value::Object(self.captured.clone()),
            vars: self.bindings.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Map<_, _>>().into(),
        }
    }

    /// The reference solution.
    pub fn solution(&self) -> Result<Vec<ScriptStep>, InstanceError> {
        if !self.exercise.solution.from_fault {
            return self.steps(&self.exercise.solution.steps, &self.context());
        }
        let mut steps = Vec::new();
        for placed in &self.faults {
            steps.extend(self.steps(&placed.fault.solution.steps, &self.fault_context(placed))?);
        }
        Ok(steps)
    }

    /// Other valid solutions of this variant.
    pub fn alternatives(&self) -> Result<Vec<Attempted>, InstanceError> {
        let faults = self.fault_ids();
        let mut attempted = Vec::new();
        for a in self.exercise.alternatives.iter().filter(|a| applies(&a.only_fault, &a.unless_fault, &faults)) {
            if self.holds(a.when.as_deref())? {
                let steps = self.steps(&a.steps, &self.context())?;
                attempted.push(Attempted { id: a.id.clone(), steps, loses: Vec::new(), gate: None });
            }
        }
        Ok(attempted)
    }

    /// Wrong fixes of this variant.
    pub fn wrong(&self) -> Result<Vec<Attempted>, InstanceError> {
        let faults = self.fault_ids();
        let mut attempted = Vec::new();
        for w in self.exercise.wrong.iter().filter(|w| applies(&w.only_fault, &w.unless_fault, &faults)) {
            if self.holds(w.when.as_deref())? {
                let steps = self.steps(&w.steps, &self.context())?;
                attempted.push(Attempted { id: w.id.clone(), steps, loses: w.loses.clone(), gate: w.gate.clone() });
            }
        }
        Ok(attempted)
    }

    fn holds(&self, when: Option<&str>) -> Result<bool, InstanceError> {
        Ok(when.map(|expression| template::holds(expression, &self.context())).transpose()?.unwrap_or(true))
    }

    /// Fills in script steps, the node that they run on included.
    pub fn steps(&self, steps: &[ScriptStep], context: &Context) -> Result<Vec<ScriptStep>, InstanceError> {
        let named = |step: &ScriptStep| ScriptStep { node: step.node_or_default().map(str::to_owned), ..step.clone() };
        steps.iter().map(|step| Ok(template::render_all(&named(step), context)?)).collect()
    }

    /// Hints from vague to plain: the exercise's own, then those of its faults.
    pub fn hints(&self) -> Result<Vec<String>, InstanceError> {
        let mut hints = self.exercise.hints.iter().map(|h| template::render(h, &self.context())).collect::<Result<Vec<_>, _>>()?;
        for placed in &self.faults {
            let context = self.fault_context(placed);
            for hint in &placed.fault.hints {
                hints.push(template::render(hint, &context)?);
            }
        }
        Ok(hints)
    }

    /// What to learn from this variant.
    pub fn debrief(&self) -> Result<Vec<DebriefText>, InstanceError> {
        if !self.exercise.debrief.from_fault {
            return Ok(vec![fill_debrief(None, &self.exercise.debrief, &self.context())?]);
        }
        self.faults.iter().map(|p| Ok(fill_debrief(Some(&p.fault.title), &p.fault.debrief, &self.fault_context(p))?)).collect()
    }
}

fn fill_debrief(fault: Option<&str>, debrief: &Debrief, context: &Context) -> Result<DebriefText, TemplateError> {
    let command = |f: &Fastest| Ok((template::render(&f.run, context)?, template::render(&f.shows, context)?));
    Ok(DebriefText {
        fault: fault.map(|t| template::render(t, context)).transpose()?,
        cause: template::render(debrief.text.as_deref().unwrap_or_default(), context)?,
        fastest: debrief.fastest.iter().map(command).collect::<Result<_, TemplateError>>()?,
        link: debrief.link.clone(),
    })
}

/// Whether an inventory has the nodes that an exercise needs.
pub fn fits(exercise: &Exercise, inventory: &Inventory) -> bool {
    inventory.names(Role::Worker).len() >= usize::try_from(exercise.requires.workers).unwrap_or(usize::MAX)
}
