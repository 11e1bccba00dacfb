//! Parquet: the columns of tables, typed. Rows are gathered into groups, each of which is handed
//! on as soon as it is full.
//!
//! Amounts are decimals with four places, instants microseconds of UTC; dates stay text, since
//! they may be months or years.

use std::fs::File;
use std::io;
use std::sync::Arc;

use chrono::DateTime;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::columns::{Columns, raw};
use super::types::Type;
use super::{Export, Writer};

/// A group of rows has so many at most,
const ROWS: usize = 50_000;
/// and so many bytes of text.
const BYTES: usize = 16 * 1024 * 1024;
/// Decimal places of an amount.
const PLACES: u32 = 4;

/// The writer.
pub struct Parquet {
    columns: Columns,
    types: Vec<Type>,
    file: SerializedFileWriter<Vec<u8>>,
    /// The cells of the rows of this group, by column.
    cells: Vec<Vec<Value>>,
    bytes: usize,
}

impl Parquet {
    /// A table of these columns.
    pub fn new(columns: Columns, export: &Export) -> io::Result<Self> {
        let types = columns.types(export.kind);
        let names = columns.names();
        let fields = names.iter().zip(&types).map(|(name, of)| field(name, *of).map(Arc::new));
        let fields = fields.collect::<Result<_, _>>().map_err(io::Error::other)?;
        let schema = types::Type::group_type_builder(export.kind.collection).with_fields(fields).build();
        let about =
            [("address", export.address.clone()), ("licence", export.licence.clone()), ("citation", export.citation())];
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("aid-register {}", crate::API_VERSION))
            .set_key_value_metadata(Some(about.map(|(key, value)| KeyValue::new(key.to_owned(), value)).into()))
            .build();
        let schema = Arc::new(schema.map_err(io::Error::other)?);
        let file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).map_err(io::Error::other)?;
        Ok(Self { columns, cells: vec![Vec::new(); types.len()], types, file, bytes: 0 })
    }

    /// Writes the group of rows.
    fn group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for (cells, of) in self.cells.iter_mut().zip(&self.types) {
            let Some(mut column) = group.next_column()? else { break };
            write(&mut column, *of, cells)?;
            column.close()?;
            cells.clear();
        }
        group.close()?;
        self.bytes = 0;
        Ok(self.file.flush()?)
    }
}

impl Writer for Parquet {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn record(&mut self, record: &Map<String, Value>, _beside: Option<&str>, out: &mut Vec<u8>) -> io::Result<()> {
        for (column, cell) in self.cells.iter_mut().zip(self.columns.cells(record)) {
            self.bytes += cell.as_str().map_or(8, str::len);
            column.push(cell);
        }
        if self.bytes >= BYTES || self.cells.first().is_some_and(|column| column.len() >= ROWS) {
            self.group().map_err(io::Error::other)?;
            out.append(self.file.inner_mut());
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, out: &mut Vec<u8>) -> io::Result<Option<File>> {
        if self.cells.first().is_some_and(|column| !column.is_empty()) {
            self.group().map_err(io::Error::other)?;
        }
        out.append(&mut self.file.into_inner().map_err(io::Error::other)?);
        Ok(None)
    }
}

/// A column of the schema; any cell may be empty.
fn field(name: &str, of: Type) -> Result<types::Type, ParquetError> {
    let (physical, logical) = match of {
        Type::Text | Type::Date => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Type::Number => (Physical::DOUBLE, None),
        Type::Integer => (Physical::INT64, None),
        Type::Boolean => (Physical::BOOLEAN, None),
        Type::Money => (Physical::INT64, Some(LogicalType::decimal(PLACES as i32, 18))),
        Type::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
    };
    let builder = types::Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    let builder = match of {
        Type::Money => builder.with_precision(18).with_scale(PLACES as i32),
        _ => builder.with_converted_type(ConvertedType::NONE),
    };
    builder.with_logical_type(logical).build()
}

/// The cells of one column.
fn write(column: &mut SerializedColumnWriter<'_>, of: Type, cells: &[Value]) -> Result<(), ParquetError> {
    /// What cells hold, and which of them hold something.
    fn present<T>(cells: &[Value], read: impl Fn(&Value) -> Option<T>) -> (Vec<T>, Vec<i16>) {
        let read: Vec<Option<T>> = cells.iter().map(read).collect();
        let levels = read.iter().map(|value| i16::from(value.is_some())).collect();
        (read.into_iter().flatten().collect(), levels)
    }
    match of {
        Type::Text | Type::Date => {
            let text = |cell: &Value| (!cell.is_null()).then(|| ByteArray::from(raw(cell).into_bytes()));
            let (values, levels) = present(cells, text);
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
        Type::Number => {
            let (values, levels) = present(cells, Value::as_f64);
            column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
        }
        Type::Boolean => {
            let (values, levels) = present(cells, Value::as_bool);
            column.typed::<BoolType>().write_batch(&values, Some(&levels), None)?;
        }
        Type::Integer | Type::Money | Type::Instant => {
            let whole = |cell: &Value| match of {
                Type::Integer => cell.as_i64(),
                Type::Money => units(cell),
                _ => Some(DateTime::parse_from_rfc3339(cell.as_str()?).ok()?.timestamp_micros()),
            };
            let (values, levels) = present(cells, whole);
            column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}

/// An amount in units of its last place.
fn units(cell: &Value) -> Option<i64> {
    let mut amount: Decimal = cell.as_number()?.as_str().parse().ok()?;
    amount.rescale(PLACES);
    i64::try_from(amount.mantissa()).ok()
}
