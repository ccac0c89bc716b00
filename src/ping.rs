//! `rping ping`: puts the rooms together in the order that privilege demands.
