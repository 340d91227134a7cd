import click
import billing.rating.stage
