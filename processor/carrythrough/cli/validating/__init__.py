"""Checking files before they are used: findings with line, pointer, rule and fix; nothing is stored."""
