"""PURE (numpy). How far annotators say the same: statistics, each with an interval.

Start at `report.py`. Every statistic is a function of how often each task counts: all ones give its value, the counts
of a bootstrap resample give one value of its sampling distribution. So the interval never uses another formula than
the number it belongs to.
"""
