"""Charts drawn on the server: values in, a drawing out, with words and a table behind it.

``line``, ``spark``, ``bars``, ``heat`` and ``hours_by_weekday`` return a ``Chart``;
``templates/pieces/charts.html`` draws it. Pure: no request, no database.
"""

from app.shell.charts.bars import bars
from app.shell.charts.heat import heat, hours_by_weekday
from app.shell.charts.lines import line, spark
from app.shell.charts.model import Chart, Series, Viewer

__all__ = ["Chart", "Series", "Viewer", "bars", "heat", "hours_by_weekday", "line", "spark"]
