//! The partner against the sandbox, over real HTTP: connecting, a link, what arrives, and what is done to tickets. The two
//! share no code, so what one of them read wrongly in Zendesk's documents shows here.

#[path = "whole_way/connecting.rs"]
mod connecting;
#[path = "whole_way/hearing.rs"]
mod hearing;
#[path = "whole_way/linking.rs"]
mod linking;
#[path = "whole_way/working.rs"]
mod working;
#[path = "whole_way/world.rs"]
mod world;
