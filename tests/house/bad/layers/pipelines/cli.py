import click
from billing.core.money import yuan
