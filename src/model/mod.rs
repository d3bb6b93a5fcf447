//! Plain types that every part of ckaprep shares: ids, placements, weights, points, verdicts, inventories. No I/O, no logic beyond their own rules.

pub mod capability;
pub mod id;
pub mod inventory;
pub mod placement;
pub mod points;
pub mod practice;
pub mod shell;
pub mod verdict;

pub use capability::Capability;
pub use id::{CheckId, CompetencyId, DomainId, ExamId, FaultId, IdError, QuestionId, ScenarioId, WrongId, readable_suffix};
pub use inventory::{Inventory, InventoryNode, NodePaths, Role};
pub use placement::{Difficulty, Placement, Weight};
pub use points::{Points, Score};
pub use practice::{ItemKind, PASS_PERCENT, Rating, Tried, Try};
pub use shell::quote;
pub use verdict::{Evidence, Verdict};
