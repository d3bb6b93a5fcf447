//! The quiz: [`state`] is what a run is (pure, stored after every answer), [`judge`] decides answers, [`flow`] leads
//! through it, [`lab`] is the throwaway cluster of command questions, [`result`] is what it comes to.

pub mod draw;
pub mod explain;
pub mod flow;
pub mod judge;
pub mod lab;
pub mod result;
pub mod state;
