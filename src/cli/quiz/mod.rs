//! The quiz: [`state`] is what a run is (pure, stored after every answer), [`judge`] decides answers, [`ask`] asks one question, [`flow`]
//! leads through a run and [`book`] keeps it, [`lab`] is the throwaway cluster of command questions, [`result`] is what it comes to.

pub mod ask;
pub mod book;
pub mod draw;
pub mod explain;
pub mod flow;
pub mod judge;
pub mod lab;
pub mod result;
pub mod state;
