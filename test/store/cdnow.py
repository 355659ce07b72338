"""What lifetimes and numpy say of the file on a day, into a file of JSON. Its datasets module is broken, so it is read here."""

import json
import os
import sys

import lifetimes
import numpy
import pandas
from lifetimes.utils import summary_data_from_transaction_data

path = os.path.join(os.path.dirname(lifetimes.__file__), "datasets", "CDNOW_master.txt")
names = ["id", "date", "cds", "value"]
rows = pandas.read_csv(path, sep=r"\s+", skiprows=1, header=None, names=names, dtype={"id": str, "date": str})
rows["date"] = pandas.to_datetime(rows["date"], format="%Y%m%d")
end = pandas.Timestamp(sys.argv[1])
year = rows[rows["date"] > end - pandas.Timedelta(days=365)]


def summary(of, first):
    return summary_data_from_transaction_data(
        of, "id", "date", "value", observation_period_end=end, include_first_transaction=first
    )


ever, window = summary(rows, False), summary(year, True)
counts = year.groupby("id").size()
days = (window["T"] - window["recency"]).to_numpy()
spent = (year["value"] * 100).round().groupby(year["id"]).sum().to_numpy()
cuts = [0.2, 0.4, 0.6, 0.8]
edges = [numpy.quantile(all, cuts, method="inverted_cdf").tolist() for all in (days, spent)]
answer = {
    "duplicates": int(rows.duplicated().sum()),
    "edges": edges,
    "ever": {id: line for id, line in zip(ever.index, ever.to_numpy().tolist())},
    "window": {
        id: [T - recency, int(counts[id]), frequency * value]
        for id, (frequency, recency, T, value) in zip(window.index, window.to_numpy().tolist())
    },
}
with open(sys.argv[2], "w") as out:
    json.dump(answer, out)
