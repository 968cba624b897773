"""Ways in from other systems: their exported flows become a project, and a report says construct by
construct what was converted, what was changed and what is lost. One package per system; what they
share stands here.
"""
