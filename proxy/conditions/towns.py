"""The coordinates of towns, so that an editor may write `within 20 km of Utrecht`. Other places are written as
coordinates."""

from __future__ import annotations

TOWNS: dict[str, str] = {
    "Aarhus": "56.16,10.20", "Amsterdam": "52.37,4.90", "Antwerp": "51.22,4.40", "Arnhem": "51.98,5.91",
    "Athens": "37.98,23.73", "Barcelona": "41.39,2.17", "Bergen": "60.39,5.32", "Berlin": "52.52,13.40",
    "Birmingham": "52.48,-1.90", "Breda": "51.59,4.78", "Bruges": "51.21,3.22", "Brussels": "50.85,4.35",
    "Budapest": "47.50,19.04", "Cologne": "50.94,6.96", "Copenhagen": "55.68,12.57", "Dublin": "53.35,-6.26",
    "Düsseldorf": "51.23,6.77", "Edinburgh": "55.95,-3.19", "Eindhoven": "51.44,5.48", "Frankfurt": "50.11,8.68",
    "Geneva": "46.20,6.14", "Ghent": "51.05,3.72", "Glasgow": "55.86,-4.25", "Gothenburg": "57.71,11.97",
    "Groningen": "53.22,6.57", "Haarlem": "52.38,4.64", "The Hague": "52.08,4.31", "Hamburg": "53.55,9.99",
    "Helsinki": "60.17,24.94", "Leeds": "53.80,-1.55", "Leiden": "52.16,4.49", "Leuven": "50.88,4.70",
    "Liège": "50.63,5.57", "Lille": "50.63,3.06", "Lisbon": "38.72,-9.14", "London": "51.51,-0.13",
    "Luxembourg": "49.61,6.13", "Lyon": "45.76,4.84", "Maastricht": "50.85,5.69", "Madrid": "40.42,-3.70",
    "Malmö": "55.60,13.00", "Manchester": "53.48,-2.24", "Marseille": "43.30,5.37", "Milan": "45.46,9.19",
    "Munich": "48.14,11.58", "New York": "40.71,-74.01", "Nijmegen": "51.84,5.87", "Odense": "55.40,10.40",
    "Oslo": "59.91,10.75", "Paris": "48.86,2.35", "Porto": "41.15,-8.61", "Prague": "50.08,14.44",
    "Rome": "41.90,12.50", "Rotterdam": "51.92,4.48", "Stavanger": "58.97,5.73", "Stockholm": "59.33,18.07",
    "Stuttgart": "48.78,9.18", "Tilburg": "51.56,5.09", "Tromsø": "69.65,18.96", "Trondheim": "63.43,10.40",
    "Turin": "45.07,7.69", "Uppsala": "59.86,17.64", "Utrecht": "52.09,5.12", "Vienna": "48.21,16.37",
    "Warsaw": "52.23,21.01", "Zürich": "47.37,8.54", "Zwolle": "52.52,6.08",
}  # fmt: skip
"""Latitude and longitude in degrees, by the town's English name."""

COORDINATES = {town.casefold(): place for town, place in TOWNS.items()}
