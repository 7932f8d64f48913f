"""The book's figures: one style; charts of results, curves, worlds, images, sliders."""

from adainf_core.figures.curves import (
    curve,
    densities_in_the_plane,
    densities_on_the_line,
    groups_among_all,
    interval_curve,
    ladder,
    over_inverse_size,
    pushes,
    quantile_strips,
    shares_of_the_truth,
)
from adainf_core.figures.fitting import NARROW, WIDTH
from adainf_core.figures.flowcharts import flowchart
from adainf_core.figures.grids import SIGNS, sign_grid
from adainf_core.figures.images import (
    arrow,
    contrastive_pipeline,
    crop_sheet,
    image_rows,
    picture,
    sheet,
)
from adainf_core.figures.layout import (
    compact_legend,
    end_labels,
    legend_below,
    level_ticks,
    note,
    panels,
    row_names,
    star,
)
from adainf_core.figures.mixtures import (
    experiment_drawing,
    marked_batch,
    mixed_masses,
    mixture_and_batch,
)
from adainf_core.figures.recipes import RecipeRow, recipe_rows
from adainf_core.figures.results import (
    VERDICT_STYLE,
    arm_dots,
    coloured,
    compared_dots,
    counted_values,
    differences,
    gains,
    level_band,
    level_dots,
    losses,
    mean_mark,
    plausible_levels,
    slopes,
    stacked_verdicts,
    verdict_strip,
    verdict_table,
)
from adainf_core.figures.run_comparisons import comparison_figure, run_differences
from adainf_core.figures.shares import (
    SHARE_STYLE,
    bounds_over_share,
    measures_over_shares,
    share_of_copies,
    strength_curves,
)
from adainf_core.figures.simulations import exact_over_levels, simulated_counts
from adainf_core.figures.slider import Slider
from adainf_core.figures.style import (
    ARM_STYLE,
    BOUNDARY,
    FAINT,
    FLAW_STYLE,
    GENERATED,
    OKABE_ITO,
    REAL,
    Shown,
    Table,
    draw,
    is_narrow,
    style,
)
from adainf_core.figures.svg import INK, READABLE
from adainf_core.figures.worlds import (
    function_on_views,
    graph_of_views,
    graphs_and_spectra,
    image_masses,
    images_and_views,
    toy_samples,
    world_and_ratio,
)
