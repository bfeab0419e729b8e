"""Hand-made SVG: one kind of picture per file, text that stays text, colours by style sheet.

All pictures tell three things apart in the same way, by colour and by form: *published*
(orange, an interval), *model* (black, a line), *cohort* (blue, a filled shape).
"""
