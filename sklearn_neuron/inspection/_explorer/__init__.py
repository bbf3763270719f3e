"""The explorer: a page to go through a network; Python packs it, JavaScript shows it."""
