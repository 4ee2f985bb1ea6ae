"""Every fault a school's site must survive, played again and again against real sites, with the damage counted."""
