"""The figures and tables of the paper (Cheung et al. 2019), and one of psp's own, one file each."""

from psp.experiments import equal_bytes, fig2, fig3, fig4, fig5_left, fig5_right, fig6, table, table1
from psp.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (fig2, fig3, table, fig4, fig5_left, fig5_right, fig6, table1, equal_bytes)
}
