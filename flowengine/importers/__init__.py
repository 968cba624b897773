"""Ways in from other systems: their exported flows become a project, and a report says construct by
construct what was carried over, what was bent and what is lost. One package per system; what they
share stands here.
"""
