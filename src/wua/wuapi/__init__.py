"""The COM-shaped face: the names and rules of wuapi.h, over the Agent protocol."""
