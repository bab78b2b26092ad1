"""Jobs that show what an embedding holds, without labels: as a picture, as points, as clusters."""

from typing import ClassVar

from . import running
from .declare import Job, JobFacts, Kind, param

GROUP = "Embed"


class ReduceEmbedding(Job):
    """Embedding in, picture and table of points out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="reduceembedding",
        verb="reduce",
        title="Reduce embedding",
        group=GROUP,
        summary="Draws an embedding as one picture in which like places have like colours, and as a cloud of points.",
        help=(
            "pca is quick and keeps large distances; umap and tsne show groups, and distances between groups mean "
            "little there. umap needs the full engine. umap and tsne are computed on a sample of the cells; all others "
            "are placed between their nearest neighbours of the sample. Expect seconds for pca, and for 10,000 cells "
            "about half a minute for umap and one to five minutes for tsne."
        ),
        tags=("PCA", "UMAP", "t-SNE", "visualisation", "dimensionality reduction"),
        goes_on=True,
    )

    embedding: str = param(Kind.RASTER, "Embedding", help="An embedding, or any multiband raster.")
    method: str = param(
        Kind.CHOICE,
        "Method",
        default="pca",
        choices=("pca", "umap", "tsne"),
        help="pca: quick, large distances. umap, tsne: groups.",
    )
    dimensions: int = param(Kind.INTEGER, "Dimensions", default=3, minimum=2, maximum=3)
    cells: int = param(
        Kind.INTEGER,
        "Cells in the sample",
        default=5_000,
        minimum=50,
        maximum=200_000,
        help="Drawn evenly from the valid cells; these are the points of the table.",
    )
    neighbours: int = param(
        Kind.INTEGER,
        "Neighbours",
        default=30,
        minimum=2,
        maximum=500,
        advanced=True,
        help="umap: size of the neighbourhood; tsne: perplexity. Few show detail, many the whole.",
    )
    labels: str = param(
        Kind.VECTOR, "Labels", optional=True, help="Their cells join the table, so that classes can be seen in it."
    )
    field: str = param(
        Kind.FIELD, "Class field", parent="labels", optional=True, help="Of the labels; needed with them."
    )
    threads: int = running.threads("umap uses one.")
    seed: int = running.seed()
    output: str = param(
        Kind.RASTER_OUT,
        "Picture",
        optional=True,
        extension="tif",
        result="picture",
        help="Red, green and blue of every cell.",
    )
    output_points: str = param(
        Kind.VECTOR_OUT,
        "Points",
        optional=True,
        extension="gpkg csv parquet",
        result="cloud",
        help="The cells of the sample with their reduced coordinates, colour and class.",
    )

    def problem(self) -> str:
        """Nothing asked for, or labels without their field."""
        if not (self.output or self.output_points):
            return "Reduce embedding was asked for nothing: name a file for the picture or the points."
        if bool(self.labels) != bool(self.field):
            return "Reduce embedding needs labels and their class field together, or neither."
        return ""

    @classmethod
    def example(cls) -> "ReduceEmbedding":
        """To a picture."""
        return cls.from_dict({"embedding": "/example/embedding", "output": "/example/output"})


class ClusterEmbedding(Job):
    """Embedding in, map of clusters out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="clusterembedding",
        verb="cluster",
        title="Cluster embedding",
        group=GROUP,
        summary="Divides an embedding into groups of like cells, without labels.",
        help=(
            "kmeans puts every cell into a cluster; hdbscan finds dense groups and leaves out what belongs to none. "
            "Clusters are numbered by size, and like clusters have like colours. What a cluster is on the ground is "
            "for you to say: clusters are not classes."
        ),
        tags=("k-means", "HDBSCAN", "unsupervised classification", "segmentation"),
        goes_on=True,
    )

    embedding: str = param(Kind.RASTER, "Embedding", help="An embedding, or any multiband raster.")
    method: str = param(
        Kind.CHOICE,
        "Method",
        default="kmeans",
        choices=("kmeans", "hdbscan"),
        help="kmeans: every cell in a cluster. hdbscan: dense groups only, and their number is found.",
    )
    clusters: int = param(
        Kind.INTEGER,
        "Clusters (0: automatic)",
        default=8,
        minimum=0,
        maximum=200,
        help="kmeans only. 0: the number from 2 to 15 whose clusters are most clearly apart (silhouette); often it is "
        "2, such as land and water.",
    )
    smallest_percent: float = param(
        Kind.NUMBER,
        "Smallest cluster",
        default=1.0,
        minimum=0.01,
        maximum=50.0,
        unit="%",
        advanced=True,
        help="hdbscan only: a group with a smaller share of the sample is no cluster.",
    )
    cells: int = param(
        Kind.INTEGER,
        "Cells in the sample",
        default=20_000,
        minimum=50,
        maximum=500_000,
        advanced=True,
        help="Drawn evenly from the valid cells; clusters are found among these, and then all cells join the nearest.",
    )
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(Kind.RASTER_OUT, "Clusters", extension="tif", result="map")
