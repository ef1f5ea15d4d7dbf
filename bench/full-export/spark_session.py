"""The Spark session that both Spark contenders use: two cores, 8 GB, Iceberg in a folder."""
import os
from pathlib import Path

from pyspark.sql import SparkSession

JARS = Path(__file__).resolve().parents[2] / ".cache" / "jars"


def open_session(name: str, warehouse: str) -> SparkSession:
    jars = ":".join(str(jar) for jar in sorted(JARS.glob("iceberg-spark-runtime-*.jar")))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    spark = (
        SparkSession.builder.appName(name)
        .master("local[2]")
        .config("spark.driver.memory", "8g")
        .config("spark.driver.extraClassPath", jars)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.lake.type", "hadoop")
        .config("spark.sql.catalog.lake.warehouse", warehouse)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark
